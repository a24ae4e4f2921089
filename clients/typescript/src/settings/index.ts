/** Where pictures are worked on: the choice of a person, kept by the service. */

export type { TextStorage } from "./kept.js";
export {
  createMediaProcessingSettings,
  type LockReason,
  mediaProcessingSettings,
  type MediaProcessingOptions,
  type MediaProcessingSettings,
  type MediaProcessingState,
  type MediaProcessingValues,
} from "./store.js";
