/** For a preload script: what the page of a window gets. Brings nothing else along, so that it stays small there. */

import { CHANNELS } from "./channels.js";
import type { QueuedDownload } from "./downloader.js";
import type { PlainError, Told } from "./expose.js";

/** What is used of Electron's `ipcRenderer`. */
export interface IpcRendererLike {
  invoke(channel: string, ...values: unknown[]): Promise<unknown>;
  on(channel: string, listener: (event: unknown, ...values: unknown[]) => void): unknown;
  removeListener(channel: string, listener: (event: unknown, ...values: unknown[]) => void): unknown;
}

/** The downloads of the main process, from within a window; all of it goes through `contextBridge`. */
export interface ModelDownloadsBridge {
  /** All downloads so far. */
  list(): Promise<QueuedDownload[]>;
  /** Have models downloaded, and wait until all are here. Rejected with {@link PlainError}. */
  ensure(names: readonly string[]): Promise<void>;
  pause(name?: string): Promise<void>;
  resume(name?: string): Promise<void>;
  cancel(name?: string): Promise<void>;
  /** Be told of every change; gives a function that ends it. */
  onChange(listener: (download: QueuedDownload) => void): () => void;
}

/** The bridge, for `contextBridge.exposeInMainWorld("modelDownloads", modelDownloadsBridge(ipcRenderer))`. */
export function modelDownloadsBridge(ipcRenderer: IpcRendererLike): ModelDownloadsBridge {
  const ask = async <T>(channel: string, value?: unknown): Promise<T> => {
    const told = (await ipcRenderer.invoke(channel, value)) as Told<T>;
    if (told.ok) return told.value;
    throw errorOf(told.error);
  };
  return {
    list: () => ask(CHANNELS.list),
    ensure: (names) => ask(CHANNELS.ensure, names),
    pause: (name) => ask(CHANNELS.pause, name),
    resume: (name) => ask(CHANNELS.resume, name),
    cancel: (name) => ask(CHANNELS.cancel, name),
    onChange(listener) {
      // The event stays here: it would hand the page Electron's own objects.
      const told = (_event: unknown, download: unknown): void => {
        listener(download as QueuedDownload);
      };
      ipcRenderer.on(CHANNELS.changed, told);
      void ask(CHANNELS.list);
      return () => {
        ipcRenderer.removeListener(CHANNELS.changed, told);
      };
    },
  };
}

/** An error with the code and cure; the bridge of contexts keeps the message only, so that says both. */
function errorOf({ code, message, cure }: PlainError): Error {
  return new Error(`${message}${cure === null ? "" : ` ${cure}`} (${code})`);
}
