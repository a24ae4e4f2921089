import { DarkroomAborted, DarkroomError, hasCode, isDarkroomError } from "../errors.js";
import { Models } from "../models.js";
import { type ClientOptions, Transport } from "../transport.js";
import type { Fault } from "../types.js";

/** How far the download of a model is. Plain data, so that it goes through Electron's messages. */
export interface QueuedDownload {
  name: string;
  state: "queued" | "downloading" | "paused" | "here" | "failed" | "cancelled";
  /** 0 to 1. */
  progress: number;
  /** What is being done, in words of the service. */
  doing: string;
  /** Why it failed. */
  problem: Fault | null;
}

/** Where the service is, and how many models are downloaded at a time. */
export interface ModelDownloaderOptions extends ClientOptions {
  /** Downloads at a time; 1 unless said. The service itself carries on two. */
  atOnce?: number | undefined;
}

interface Entry {
  download: QueuedDownload;
  stop: AbortController | null;
  /** Settled when it is here, has failed or is cancelled; a paused one is still waited for. */
  waiters: { resolve: () => void; reject: (error: DarkroomError) => void }[];
}

/** A queue of model downloads: progress as events, pause and resume, and a promise for "all these are here". */
export class ModelDownloader {
  readonly #models: Models;
  readonly #atOnce: number;
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(download: QueuedDownload) => void>();

  constructor(options: ModelDownloaderOptions = {}) {
    this.#models = new Models(new Transport(options));
    this.#atOnce = options.atOnce ?? 1;
  }

  /** All downloads so far, in the order in which they were asked for. */
  get downloads(): readonly QueuedDownload[] {
    return [...this.#entries.values()].map((entry) => entry.download);
  }

  /** Be told of every change of a download; gives a function that ends it. */
  onChange(listener: (download: QueuedDownload) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Have models downloaded that are not here yet, and wait until all are.
   *
   * One that was paused, cancelled or has failed is begun again.
   *
   * @throws DarkroomError of the first one that fails; the others go on.
   */
  async ensure(names: readonly string[]): Promise<void> {
    const waiting = names.map((name) => this.#wanted(name));
    this.#next();
    await Promise.all(waiting);
  }

  /** Hold a download, or all; what has come is kept. Who waits for it goes on waiting. */
  pause(name?: string): void {
    for (const entry of this.#chosen(name)) {
      if (entry.download.state !== "queued" && entry.download.state !== "downloading") continue;
      this.#change(entry, { state: "paused" });
      entry.stop?.abort();
    }
    this.#next();
  }

  /** Go on with a download that was paused, or with all of them, from where they were. */
  resume(name?: string): void {
    for (const entry of this.#chosen(name)) {
      if (entry.download.state === "paused") this.#change(entry, { state: "queued" });
    }
    this.#next();
  }

  /** Give a download up, or all that are not here; who waits for it is told by `cancelled`. */
  cancel(name?: string): void {
    for (const entry of this.#chosen(name)) {
      if (!["queued", "downloading", "paused"].includes(entry.download.state)) continue;
      this.#change(entry, { state: "cancelled" });
      entry.stop?.abort();
      this.#fail(
        entry,
        new DarkroomError(`The download of ${entry.download.name} was cancelled.`, { code: "cancelled" }),
      );
    }
    this.#next();
  }

  #chosen(name: string | undefined): Entry[] {
    if (name === undefined) return [...this.#entries.values()];
    const entry = this.#entries.get(name);
    return entry === undefined ? [] : [entry];
  }

  #wanted(name: string): Promise<void> {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = { download: { name, state: "queued", progress: 0, doing: "", problem: null }, stop: null, waiters: [] };
      this.#entries.set(name, entry);
      this.#change(entry, {});
    } else if (!["queued", "downloading"].includes(entry.download.state)) {
      // One that was here is asked for again too: it may have been removed since.
      this.#change(entry, { state: "queued", problem: null });
    }
    const { waiters } = entry;
    return new Promise((resolve, reject) => {
      waiters.push({ resolve, reject });
    });
  }

  #next(): void {
    const entries = [...this.#entries.values()];
    let free = this.#atOnce - entries.filter((entry) => entry.stop !== null).length;
    for (const entry of entries) {
      if (free <= 0) return;
      if (entry.download.state !== "queued" || entry.stop !== null) continue;
      free -= 1;
      void this.#run(entry);
    }
  }

  async #run(entry: Entry): Promise<void> {
    const stop = new AbortController();
    entry.stop = stop;
    this.#change(entry, { state: "downloading" });
    try {
      await this.#models.download(entry.download.name, {
        signal: stop.signal,
        onProgress: ({ state, progress, doing }) => {
          if (state === "downloading" && !stop.signal.aborted) this.#change(entry, { progress, doing });
        },
      });
      this.#change(entry, { state: "here", progress: 1, doing: "" });
      for (const { resolve } of entry.waiters.splice(0)) resolve();
    } catch (cause) {
      this.#ended(
        entry,
        stop,
        isDarkroomError(cause) ? cause : new DarkroomError(String(cause), { code: "error", cause }),
      );
    } finally {
      entry.stop = null;
      this.#next();
    }
  }

  /** A run that did not get through: it was stopped here, or by somebody else, or it failed. */
  #ended(entry: Entry, stop: AbortController, error: DarkroomError): void {
    if (stop.signal.aborted || error instanceof DarkroomAborted) return;
    const { code, message, cure, step, field } = error;
    const state = hasCode(error, "cancelled") ? "cancelled" : "failed";
    this.#change(entry, { state, problem: { code, message, cure, step, field } });
    this.#fail(entry, error);
  }

  #fail(entry: Entry, error: DarkroomError): void {
    for (const { reject } of entry.waiters.splice(0)) reject(error);
  }

  #change(entry: Entry, change: Partial<QueuedDownload>): void {
    entry.download = { ...entry.download, ...change };
    for (const listener of [...this.#listeners]) listener(entry.download);
  }
}
