import { DarkroomError, isDarkroomError } from "../errors.js";
import { CHANNELS } from "./channels.js";
import type { ModelDownloader, QueuedDownload } from "./downloader.js";

/** What is used of Electron's `WebContents`. */
export interface WebContentsLike {
  send(channel: string, ...values: unknown[]): void;
  isDestroyed(): boolean;
}

/** What is used of Electron's `IpcMainInvokeEvent`. */
export interface InvokeEventLike {
  readonly sender: WebContentsLike;
}

/** What is used of Electron's `ipcMain`. */
export interface IpcMainLike<Event extends InvokeEventLike = InvokeEventLike> {
  handle(channel: string, listener: (event: Event, ...values: unknown[]) => unknown): void;
  removeHandler(channel: string): void;
}

/** Options of {@link exposeModelDownloads}. */
export interface ExposeOptions<Event extends InvokeEventLike> {
  /** Whether a window may ask; all may unless said. Look at `event.senderFrame` where you show pages of others. */
  allows?: (event: Event) => boolean;
}

/** What an error is on its way to a window, where classes do not go. */
export interface PlainError {
  code: string;
  message: string;
  cure: string | null;
}

/** What a window gets: an error is told as data, since Electron keeps only its text otherwise. */
export type Told<T> = { ok: true; value: T } | { ok: false; error: PlainError };

/**
 * Let the windows of an Electron app see and steer the downloads; a window that has asked for the list is told of changes.
 *
 * @returns a function that takes it back.
 */
export function exposeModelDownloads<Event extends InvokeEventLike>(
  ipcMain: IpcMainLike<Event>,
  downloader: ModelDownloader,
  { allows = () => true }: ExposeOptions<Event> = {},
): () => void {
  const windows = new Set<WebContentsLike>();
  const answer = (channel: string, act: (event: Event, value: unknown) => unknown): void => {
    ipcMain.handle(channel, async (event, value): Promise<Told<unknown>> => {
      try {
        if (!allows(event)) throw new DarkroomError("This window may not do that.", { code: "not_allowed" });
        return { ok: true, value: await act(event, value) };
      } catch (error) {
        return { ok: false, error: plain(error) };
      }
    });
  };
  answer(CHANNELS.list, (event): readonly QueuedDownload[] => {
    windows.add(event.sender);
    return downloader.downloads;
  });
  answer(CHANNELS.ensure, async (_, names) => downloader.ensure(namesOf(names)));
  answer(CHANNELS.pause, (_, name) => {
    downloader.pause(nameOf(name));
  });
  answer(CHANNELS.resume, (_, name) => {
    downloader.resume(nameOf(name));
  });
  answer(CHANNELS.cancel, (_, name) => {
    downloader.cancel(nameOf(name));
  });
  const ended = downloader.onChange((download) => {
    for (const window of windows) {
      if (window.isDestroyed()) windows.delete(window);
      else window.send(CHANNELS.changed, download);
    }
  });
  return () => {
    ended();
    for (const channel of Object.values(CHANNELS)) ipcMain.removeHandler(channel);
  };
}

function nameOf(value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw new DarkroomError("The name of a model is a text.", { code: "invalid_parameters" });
}

function namesOf(value: unknown): string[] {
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
  throw new DarkroomError("The names of models are a list of texts.", { code: "invalid_parameters" });
}

function plain(error: unknown): PlainError {
  if (isDarkroomError(error)) return { code: error.code, message: error.message, cure: error.cure };
  return { code: "error", message: String(error), cure: null };
}
