/** Client of Darkroom, the private media studio. */

export { DarkroomClient, type Purpose, SettingsApi } from "./client.js";
export {
  DarkroomAborted,
  DarkroomConnectionError,
  DarkroomError,
  DarkroomJobError,
  type ErrorCode,
  type ErrorDetails,
  hasCode,
  isDarkroomError,
  mayPass,
} from "./errors.js";
export type { FollowOptions } from "./events.js";
export type { FileInput } from "./form.js";
export { Images, type SubmitOptions, type UploadOptions, type VersionOptions } from "./images.js";
export { type BatchEvent, Batches, ENDED, hasEnded, Jobs } from "./jobs.js";
export { LocalMediaProcessor, type ProcessProgress } from "./local.js";
export { Models } from "./models.js";
export type { Listing } from "./pages.js";
export {
  type components,
  type KnownErrorCode,
  MEDIA_TYPES,
  MOST_IN_BATCH,
  type operations,
  type paths,
} from "./schema.js";
export { type ClientOptions, DEFAULT_URL, Transport } from "./transport.js";
export type * from "./types.js";
export { Webhooks } from "./webhooks.js";
