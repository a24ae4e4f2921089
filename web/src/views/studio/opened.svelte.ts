import type { Box as Face, Picture, PictureInfo, Version } from "@darkroom/client";
import { speech } from "../../lib/i18n/index.svelte";
import { notices } from "../../lib/state/notices.svelte";
import { pictures } from "../../lib/state/pictures.svelte";
import { session } from "../../lib/state/session.svelte";
import { type Trouble, troubleOf } from "../../lib/trouble";

/** Which version of a picture is worked on, as the service wants to be told. */
export interface Source {
  image_id: string;
  version: number;
  store_id: string;
  product_id: string;
}

/** The picture that is open, and its versions. */
export class Opened {
  id = $state("");
  picture = $state.raw<Picture | null>(null);
  versions = $state.raw<Version[]>([]);
  /** Which of them is worked on; null until it is known. */
  number = $state<number | null>(null);
  trouble = $state<Trouble | null>(null);
  /** The faces on it; null where nobody looked. */
  faces = $state.raw<Face[] | null>(null);
  looking = $state(false);

  base = $derived(this.versions.find((one) => one.number === this.number && one.name === "") ?? null);
  source = $derived<Source>({ image_id: this.id, version: this.number ?? 0, store_id: "", product_id: "" });

  /** Open another picture. Gives its newest version, where it was worked on already. */
  async open(id: string): Promise<Version | null> {
    this.id = id;
    this.picture = this.trouble = this.faces = this.number = null;
    this.versions = [];
    try {
      const picture = await pictures.find(id);
      if (id !== this.id) return null;
      this.picture = picture;
      const info = await session.ask((client) => client.images.info(id));
      if (id !== this.id) return null;
      this.#take(info);
      return (info.newest?.number ?? 0) > 0 ? info.newest : null;
    } catch (error) {
      if (id === this.id) this.trouble = troubleOf(error);
      return null;
    }
  }

  /** Ask for its versions again. Gives the one that a job made. */
  async madeBy(job: string): Promise<Version | null> {
    const id = this.id;
    const info = await session.ask((client) => client.images.info(id));
    if (id === this.id) this.#take(info);
    return info.all_versions.find((one) => one.job_id === job && one.name === "") ?? null;
  }

  /** Work on another version. */
  choose(number: number): void {
    this.number = number;
    this.faces = null;
  }

  /** Look for faces, once. */
  async lookForFaces(): Promise<void> {
    const [id, version] = [this.id, this.number];
    if (this.faces !== null || version === null || this.looking) return;
    this.looking = true;
    try {
      const info = await session.ask((client) => client.images.info(id, { faces: true, version }));
      if (id !== this.id || version !== this.number) return;
      this.faces = info.faces ?? [];
      notices.say(speech.t.editor.facesFound(this.faces.length));
    } catch (error) {
      notices.fail(error);
    } finally {
      this.looking = false;
    }
  }

  #take(info: PictureInfo): void {
    this.picture = info;
    this.versions = info.all_versions;
    // Steps begin with what was given, so that they can be changed at any time.
    this.number ??= 0;
  }
}
