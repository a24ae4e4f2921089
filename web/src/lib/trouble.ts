import { isDarkroomError, type Fault } from "@darkroom/client";
import { speech } from "./i18n/index.svelte";

/** Something that went wrong, as the service told it, in English. */
export interface Trouble {
  code: string;
  message: string;
  cure: string | null;
  /** The operation at fault, counted from 0 among those that were sent, and its parameter. */
  step: number | null;
  field: string | null;
}

/** Trouble as it is shown. */
export interface Told {
  message: string;
  cure: string | null;
  /** What the service said of the case itself, in English, where `message` is the page's own. */
  detail: string | null;
  /** Language of message and cure. */
  lang: string;
}

/** Anything that was thrown, as trouble; null for what was stopped on purpose. */
export function troubleOf(error: unknown): Trouble | null {
  if (!isDarkroomError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: "page", message, cure: null, step: null, field: null };
  }
  if (error.code === "aborted") return null;
  const { code, message, cure, step, field } = error;
  return { code, message, cure, step, field };
}

/** The fault of a job or a download, as trouble. */
export function troubleOfFault(fault: Fault): Trouble {
  const { code, message, cure, step, field } = fault;
  return { code, message, cure, step, field };
}

/** Trouble in the reader's language: by its code, with what the service said beside it. */
export function told(trouble: Trouble): Told {
  if (trouble.code === "connection") {
    const { lost, cure } = speech.t.connection;
    return { message: lost, cure, detail: null, lang: speech.language };
  }
  const ours = speech.t.errors[trouble.code];
  if (ours === undefined) return { message: trouble.message, cure: trouble.cure, detail: null, lang: "en" };
  return {
    message: ours.title,
    cure: ours.cure,
    detail: [trouble.message, trouble.cure].filter(Boolean).join(" "),
    lang: speech.language,
  };
}

/** What is wrong with a step, and in which of its fields. */
export interface Problem extends Told {
  field: string | null;
}

/** Whether the step itself can show what is wrong with it. */
export function isOfStep(trouble: Trouble): boolean {
  return trouble.code === "invalid_parameters" && trouble.step !== null;
}

/** What is wrong with a step of that type, as its card shows it. */
export function problemOfStep(trouble: Trouble, type: string): Problem {
  // The service begins with the operation's name and the field's, which the card has already.
  let detail = trouble.message;
  for (const begin of [`${type}: `, `${trouble.field}: `])
    if (detail.startsWith(begin)) detail = detail.slice(begin.length);
  detail = detail.charAt(0).toUpperCase() + detail.slice(1);
  const { field } = trouble;
  if (speech.t.errors[trouble.code] === undefined) {
    const message = field === null && trouble.cure !== null ? `${detail} ${trouble.cure}` : detail;
    return { field, message, cure: null, detail: null, lang: "en" };
  }
  const message = field === null ? speech.t.trouble.step : speech.t.trouble.value;
  return { field, message, cure: null, detail, lang: speech.language };
}
