/** For apps with Svelte 5: the switches for where pictures are worked on, with the models' badges. */

export { default as MediaProcessingToggle } from "./MediaProcessingToggle.svelte";
export { type Language, TEXTS, type Texts } from "./texts.js";
