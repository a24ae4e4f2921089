import { isDarkroomError, type Fault } from "@darkroom/client";
import { speech } from "./i18n/index.svelte";

/** Something that went wrong, ready to be shown. */
export interface Trouble {
  code: string;
  message: string;
  cure: string | null;
  field: string | null;
  /** Language of the message: the service speaks English. */
  lang: string;
}

/** Anything that was thrown, as trouble; null for what was stopped on purpose. */
export function troubleOf(error: unknown): Trouble | null {
  if (!isDarkroomError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: "page", message, cure: null, field: null, lang: "en" };
  }
  if (error.code === "aborted") return null;
  if (error.code === "connection") {
    const t = speech.t.connection;
    return { code: error.code, message: t.lost, cure: t.cure, field: null, lang: speech.language };
  }
  return { code: error.code, message: error.message, cure: error.cure, field: error.field, lang: "en" };
}

/** The fault of a job or a download, as trouble. */
export function troubleOfFault(fault: Fault): Trouble {
  return { code: fault.code, message: fault.message, cure: fault.cure, field: fault.field, lang: "en" };
}
