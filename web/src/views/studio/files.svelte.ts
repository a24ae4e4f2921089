import type { Version } from "@darkroom/client";
import { session } from "../../lib/state/session.svelte";
import type { Layer } from "./Viewer.svelte";

/** Formats that every browser shows. */
const SHOWN = ["jpeg", "png", "webp", "avif", "gif", "bmp", "svg"];
const SMALL = 2048;

/** A version of a picture as a layer: small at first, whole when it is looked at closely. */
export class FileLayer {
  layer = $state.raw<Layer | null>(null);
  /** Whether every pixel is there. */
  whole = $state(false);

  #image = "";
  #version: Version | null = null;
  #asked: AbortController | null = null;

  /** Show a version: first a small one. */
  async show(image: string, version: Version | null): Promise<void> {
    if (image === this.#image && version?.number === this.#version?.number) return;
    this.clear();
    this.#image = image;
    this.#version = version;
    if (version === null) return;
    const small = Math.max(version.width, version.height) <= SMALL && SHOWN.includes(version.format);
    if (small) await this.enlarge();
    else
      await this.#load(version, false, (signal) =>
        session.ask((client) => client.images.thumbnail(image, { version: version.number, size: SMALL, signal })),
      );
  }

  /** Fetch every pixel. */
  async enlarge(): Promise<void> {
    const [image, version] = [this.#image, this.#version];
    if (version === null || this.whole) return;
    this.whole = true;
    await this.#load(version, true, async (signal) => {
      if (SHOWN.includes(version.format))
        return session.ask((client) => client.images.download(image, { version: version.number, signal }));
      const source = { image_id: image, version: version.number, store_id: "", product_id: "" };
      const work = { output: { format: "png" as const } };
      return (await session.ask((client) => client.images.processSync(source, work, { signal }))).blob;
    });
  }

  /** Show none. */
  clear(): void {
    this.#asked?.abort();
    if (this.layer !== null) URL.revokeObjectURL(this.layer.src);
    this.layer = null;
    this.whole = false;
    this.#version = null;
    this.#image = "";
  }

  async #load(version: Version, whole: boolean, get: (signal: AbortSignal) => Promise<Blob>): Promise<void> {
    this.#asked?.abort();
    const stop = (this.#asked = new AbortController());
    try {
      const blob = await get(stop.signal);
      if (stop.signal.aborted) return;
      const last = this.layer;
      const src = URL.createObjectURL(blob);
      let { width, height } = version;
      if (width === 0) {
        const bitmap = await createImageBitmap(blob);
        ({ width, height } = bitmap);
        bitmap.close();
      }
      const drawn = whole ? width : Math.round(width * Math.min(1, SMALL / Math.max(width, height)));
      this.layer = { src, width, height, drawn };
      if (last !== null) setTimeout(() => URL.revokeObjectURL(last.src), 1000);
    } catch (error) {
      if (stop.signal.aborted) return;
      this.whole = whole ? false : this.whole;
      throw error;
    }
  }
}
