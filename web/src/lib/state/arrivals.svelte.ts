import type { Picture } from "@darkroom/client";
import { speech } from "../i18n/index.svelte";
import { linkTo, route } from "../route.svelte";
import { notices } from "./notices.svelte";
import { pictures } from "./pictures.svelte";

class Arrivals {
  /** Whether the address of a picture is asked for. */
  asking = $state(false);
  /** The address, as far as it is known. */
  address = $state("");

  /** Ask for the address of a picture. */
  ask(address = ""): void {
    this.address = address;
    this.asking = true;
  }

  /** Take files; where the grid is not seen, what becomes of them is told. */
  async take(files: File[]): Promise<void> {
    const before = pictures.uploads.map((upload) => upload.id);
    const going = this.#seen() ? null : notices.tell(speech.t.arrivals.adding(files.length));
    const stored = await pictures.add(files);
    if (going !== null) notices.dismiss(going);
    this.#tell(stored);
    if (this.#seen()) return;
    for (const upload of pictures.uploads)
      if (upload.trouble !== null && !before.includes(upload.id)) notices.report(upload.trouble, upload.name);
  }

  /**
   * Have the picture at the address fetched.
   *
   * @throws DarkroomError where it cannot be had.
   */
  async fetch(): Promise<void> {
    this.#tell([await pictures.fetch(this.address.trim())]);
    this.asking = false;
    this.address = "";
  }

  /** Whether the grid is seen. */
  #seen(): boolean {
    return route.view === "studio" && route.id === null;
  }

  #tell(stored: readonly Picture[]): void {
    const [first] = stored;
    if (first === undefined || this.#seen()) return;
    const t = speech.t.arrivals;
    const link =
      stored.length === 1
        ? { href: linkTo("studio", first.id), text: t.open }
        : { href: linkTo("studio"), text: t.see };
    notices.tell(t.added(stored.length), link);
  }
}

/** Pictures that come to the page, whichever view is shown. */
export const arrivals = new Arrivals();
