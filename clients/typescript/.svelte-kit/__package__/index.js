/** For apps with Svelte 5: the switches for where pictures are worked on, with the models' badges. */
export { default as MediaProcessingToggle } from "./MediaProcessingToggle.svelte";
export { TEXTS } from "./texts.js";
