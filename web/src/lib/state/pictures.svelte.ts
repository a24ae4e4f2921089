import type { Picture } from "@darkroom/client";
import { SvelteSet } from "svelte/reactivity";
import { type Trouble, troubleOf } from "../trouble";
import { notices } from "./notices.svelte";
import { session } from "./session.svelte";

/** Group of the masks that are painted here: they are stored like pictures, and are none of the grid's. */
export const MASKS = "page:masks";
const PAGE = 100;
/** Where all are wanted: as many at once as the service gives. */
const MOST = 500;
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

  #next = $state<string | null>(null);
  #last: Promise<unknown> = Promise.resolve();
  #loading: Promise<void> | null = null;
  #files: { file: File; upload: Upload; done: (pictures: Picture[]) => void }[] = [];
  #running = 0;
  #number = 1;

  /** Ask for the first page, once. */
  load(): Promise<void> {
    this.#loading ??= this.refresh();
    return this.#loading;
  }

  /** Ask for the first page. */
  async refresh(): Promise<void> {
    try {
      await this.#inTurn(async () => {
        const before = this.#all;
        const page = await session.ask((client) => client.images.list({ most: PAGE }));
        this.#take(before, page.items, page.next);
        await this.#untilSeen(0);
      });
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

  /** Ask for the page after the last one; false where that failed, which is told. */
  async more(): Promise<boolean> {
    try {
      await this.#inTurn(async () => {
        const shown = this.items.length;
        await this.#append();
        await this.#untilSeen(shown);
      });
      return true;
    } catch (error) {
      notices.fail(error);
      return false;
    }
  }

  /**
   * Ask for every picture there is, those that others have stored since too.
   *
   * @throws DarkroomError where they cannot be had.
   */
  all(): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#all;
      const found: Picture[] = [];
      await session.ask(async (client) => {
        found.length = 0;
        for await (const picture of client.images.list({ most: MOST })) found.push(picture);
      });
      this.#take(before, found, null);
      this.loaded = true;
    });
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

  /** Store files, a few at a time, and give the pictures; what is refused says why in `uploads`. */
  async add(files: Iterable<File>): Promise<Picture[]> {
    const stored = [...files].map((file) => {
      this.uploads.push({ id: this.#number++, name: file.name, bytes: file.size, sent: 0, trouble: null });
      const upload = this.uploads.at(-1) as Upload;
      return new Promise<Picture[]>((done) => this.#files.push({ file, upload, done }));
    });
    while (this.#running < AT_ONCE && this.#files.length > 0) void this.#work();
    return (await Promise.all(stored)).flat();
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
    if (at >= 0) {
      this.#all = this.#all.with(at, picture);
      return;
    }
    const place = this.#all.findIndex((one) => one.created <= picture.created);
    if (place >= 0) this.#all = this.#all.toSpliced(place, 0, picture);
    // One that is older than all that are known comes with its page.
    else if (!this.older) this.#all = [...this.#all, picture];
  }

  /** One question about the list after the other: each goes on from where the one before has come to. */
  #inTurn(question: () => Promise<void>): Promise<void> {
    const answered = this.#last.then(question);
    this.#last = answered.catch(() => undefined);
    return answered;
  }

  /** Take an answer in place of what was known `before` the question; what has changed here since counts. */
  #take(before: readonly Picture[], found: readonly Picture[], next: string | null): void {
    const [then, now] = [new Set(before), new Set(this.#all.map((picture) => picture.id))];
    const changed = new Map(this.#all.filter((picture) => !then.has(picture)).map((one) => [one.id, one]));
    const removed = new Set(before.map((picture) => picture.id).filter((id) => !now.has(id)));
    const known = new Set(found.map((picture) => picture.id));
    this.#all = [
      ...[...changed.values()].filter((picture) => !known.has(picture.id)),
      ...found.filter((picture) => !removed.has(picture.id)).map((picture) => changed.get(picture.id) ?? picture),
    ];
    this.#next = next;
  }

  async #append(): Promise<void> {
    const after = this.#next;
    if (after === null) return;
    const page = await session.ask((client) => client.images.list({ most: PAGE, after }));
    const known = new Set(this.#all.map((picture) => picture.id));
    this.#all = [...this.#all, ...page.items.filter((picture) => !known.has(picture.id))];
    this.#next = page.next;
  }

  /** Masks fill pages too: go on until there is more to be seen than before. */
  async #untilSeen(before: number): Promise<void> {
    while (this.older && this.items.length <= before) await this.#append();
  }

  async #work(): Promise<void> {
    this.#running += 1;
    for (let next = this.#files.shift(); next !== undefined; next = this.#files.shift()) {
      const { file, upload, done } = next;
      let stored: Picture[] = [];
      try {
        const onProgress = ({ fraction }: { fraction: number }): void => void (upload.sent = fraction);
        const { images } = await session.ask((client) => client.images.upload(file, { onProgress }));
        for (const picture of images) this.#put(picture);
        stored = images;
        this.dismiss(upload);
      } catch (error) {
        upload.trouble = troubleOf(error);
      }
      done(stored);
    }
    this.#running -= 1;
  }
}

/** The stored pictures. */
export const pictures = new Pictures();
