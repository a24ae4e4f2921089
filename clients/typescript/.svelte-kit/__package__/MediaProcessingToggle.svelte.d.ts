import { DarkroomClient } from "../client.js";
import { type MediaProcessingSettings } from "../settings/index.js";
import { type Language, type Texts } from "./texts.js";
interface Props {
    /** Of the service and its models; the one at the usual address unless said. */
    client?: DarkroomClient;
    /** The store; one for the client's service unless said. */
    settings?: MediaProcessingSettings;
    /** Names of the models that have a badge, in order; all unless said, none for an empty list. */
    models?: readonly string[];
    language?: Language;
    /** In place of single texts of the language. */
    texts?: Partial<Texts>;
}
/**
 * Where pictures are worked on: this computer first, the cloud where it fails, and which models are here.
 *
 * ```svelte
 * <MediaProcessingToggle language="it" models={["isnet-general-use"]} />
 * ```
 */
declare const MediaProcessingToggle: import("svelte").Component<Props, {}, "">;
type MediaProcessingToggle = ReturnType<typeof MediaProcessingToggle>;
export default MediaProcessingToggle;
