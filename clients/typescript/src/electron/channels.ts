/** Names of the channels between the main process and its windows. */
export const CHANNELS = {
  list: "darkroom:model-downloads:list",
  ensure: "darkroom:model-downloads:ensure",
  pause: "darkroom:model-downloads:pause",
  resume: "darkroom:model-downloads:resume",
  cancel: "darkroom:model-downloads:cancel",
  changed: "darkroom:model-downloads:changed",
} as const;
