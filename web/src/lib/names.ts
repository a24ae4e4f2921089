import { words } from "./forms/schema";
import { speech } from "./i18n/index.svelte";

/** An operation's name in the reader's language. */
export function operationName(name: string): string {
  return speech.t.operations[name]?.name ?? words(name);
}

/** What is done to a picture, in short: Crop → Resize. */
export function flowOf(operations: readonly { type?: unknown }[]): string {
  return operations.map((one) => operationName(String(one.type))).join(" → ") || speech.t.jobs.converted;
}

/** What an operation does, in the reader's language; else as the service says it. */
export function operationSummary(name: string, summary: string): string {
  return speech.t.operations[name]?.summary ?? summary;
}

/** A parameter's name in the reader's language. */
export function fieldName(name: string): string {
  return speech.t.fields[name] ?? words(name);
}

/** A choice of a parameter in the reader's language. */
export function choiceName(value: string | number): string {
  if (typeof value === "number") return String(value);
  return speech.t.choices[value] ?? (/^\d|^[a-z]+\d/.test(value) || value.length <= 3 ? value : words(value));
}

/** What a recipe is called. */
export function recipeName(name: string): string {
  return words(name);
}
