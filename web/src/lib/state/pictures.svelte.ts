import type { Picture } from "@darkroom/client";
import { SvelteSet } from "svelte/reactivity";
import { type Trouble, troubleOf } from "../trouble";
import { notices } from "./notices.svelte";
import { session } from "./session.svelte";

/** Group of the masks that are painted here: they are stored like pictures, and are none of the grid's. */
export const MASKS = "page:masks";
const PAGE = 100;
const AT_ONCE = 2;

/** A file on its way to the service. */
export interface Upload {
  id: number;
  name: string;
  bytes: number;
  /** 0 to 1 of its bytes. */
  sent: number;
  trouble: Trouble | null;
}

class Pictures {
  #all = $state.raw<Picture[]>([]);
  /** Whether they have been asked for. */
  loaded = $state(false);
  trouble = $state<Trouble | null>(null);
  uploads = $state<Upload[]>([]);
  /** Ids of those that are chosen. */
  chosen = new SvelteSet<string>();

  /** The pictures, the newest first. */
  items = $derived(this.#all.filter((picture) => picture.store_id !== MASKS));
  /** Masks that were painted here. */
  masks = $derived(this.#all.filter((picture) => picture.store_id === MASKS));
  /** Those that are chosen, in the order of the grid. */
  selection = $derived(this.items.filter((picture) => this.chosen.has(picture.id)));

  #next: string | null = null;
  #loading: Promise<void> | null = null;
  #files: { file: File; upload: Upload }[] = [];
  #running = 0;
  #number = 1;

  /** Ask for the first page, once. */
  load(): Promise<void> {
    this.#loading ??= this.refresh();
    return this.#loading;
  }

  /** Ask for the first page. */
  async refresh(): Promise<void> {
    const before = this.#all;
    try {
      const page = await session.ask((client) => client.images.list({ most: PAGE }));
      // What was stored since the question may not be in the answer.
      const since = this.#all.filter((picture) => !before.includes(picture));
      const known = new Set(page.items.map((picture) => picture.id));
      this.#all = [...since.filter((picture) => !known.has(picture.id)), ...page.items];
      this.#next = page.next;
      this.trouble = null;
    } catch (error) {
      this.trouble = troubleOf(error);
      this.#loading = null;
    }
    this.loaded = true;
  }

  /** Whether there are older ones. */
  get older(): boolean {
    return this.#next !== null;
  }

  /** Ask for the page after the last one. */
  async more(): Promise<void> {
    const after = this.#next;
    if (after === null) return;
    this.#next = null;
    try {
      const page = await session.ask((client) => client.images.list({ most: PAGE, after }));
      this.#all = [...this.#all, ...page.items];
      this.#next = page.next;
    } catch (error) {
      this.#next = after;
      notices.fail(error);
    }
  }

  /** A picture by its id; asked for where it is not known. */
  async find(id: string): Promise<Picture> {
    const known = this.#all.find((picture) => picture.id === id);
    return known ?? session.ask((client) => client.images.get(id));
  }

  /** Ask for a picture again: it has a new version. */
  async touch(id: string): Promise<void> {
    try {
      this.#put(await session.ask((client) => client.images.get(id)));
    } catch {
      this.#all = this.#all.filter((picture) => picture.id !== id);
    }
  }

  /** Store files, a few at a time; what is refused says why in `uploads`. */
  add(files: Iterable<File>): void {
    for (const file of files) {
      this.uploads.push({ id: this.#number++, name: file.name, bytes: file.size, sent: 0, trouble: null });
      const upload = this.uploads.at(-1);
      if (upload !== undefined) this.#files.push({ file, upload });
    }
    while (this.#running < AT_ONCE && this.#files.length > 0) void this.#work();
  }

  /** Store the picture at an address. */
  async fetch(url: string): Promise<Picture> {
    const picture = await session.ask((client) => client.images.fetch(url));
    this.#put(picture);
    return picture;
  }

  /** Store a mask that was painted here. */
  async addMask(mask: Blob, name: string): Promise<Picture> {
    const uploaded = await session.ask((client) =>
      client.images.upload({ name, data: mask, type: "image/png" }, { storeId: MASKS }),
    );
    const picture = uploaded.images[0];
    if (picture === undefined) throw new Error(uploaded.errors[0]?.problem.detail ?? name);
    this.#put(picture);
    return picture;
  }

  /** Delete pictures with all their versions. */
  async remove(ids: Iterable<string>): Promise<void> {
    for (const id of [...ids]) {
      try {
        await session.ask((client) => client.images.remove(id));
        this.#all = this.#all.filter((picture) => picture.id !== id);
        this.chosen.delete(id);
      } catch (error) {
        notices.fail(error);
      }
    }
  }

  dismiss(upload: Upload): void {
    this.uploads = this.uploads.filter((one) => one.id !== upload.id);
  }

  #put(picture: Picture): void {
    const at = this.#all.findIndex((one) => one.id === picture.id);
    this.#all = at < 0 ? [picture, ...this.#all] : this.#all.with(at, picture);
  }

  async #work(): Promise<void> {
    this.#running += 1;
    for (let next = this.#files.shift(); next !== undefined; next = this.#files.shift()) {
      const { file, upload } = next;
      try {
        const onProgress = ({ fraction }: { fraction: number }): void => void (upload.sent = fraction);
        const { images } = await session.ask((client) => client.images.upload(file, { onProgress }));
        for (const picture of images) this.#put(picture);
        this.dismiss(upload);
      } catch (error) {
        upload.trouble = troubleOf(error);
      }
    }
    this.#running -= 1;
  }
}

/** The stored pictures. */
export const pictures = new Pictures();
