/** For the main process of an Electron app. Electron itself is not imported: what is used of it is a type here. */

export { CHANNELS } from "./channels.js";
export { ModelDownloader, type ModelDownloaderOptions, type QueuedDownload } from "./downloader.js";
export {
  exposeModelDownloads,
  type ExposeOptions,
  type InvokeEventLike,
  type IpcMainLike,
  type PlainError,
  type Told,
  type WebContentsLike,
} from "./expose.js";
