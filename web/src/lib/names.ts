import type { RecipeInfo } from "@darkroom/client";
import { type Field, fieldsOf, type JsonSchema, words } from "./forms/schema";
import { format, number } from "./format";
import { speech } from "./i18n/index.svelte";
import { catalogue } from "./state/catalogue.svelte";

/** A text of the page, or of the service where the page has none; and its language. */
export interface Said {
  text: string;
  lang: string;
}

/** What the page says, else what the service says in English. */
function said(ours: string | undefined, service: string): Said {
  return ours === undefined ? { text: service, lang: "en" } : { text: ours, lang: speech.language };
}

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

/** What a parameter of an operation does. */
export function fieldHelp(operation: string, field: Field): Said {
  return said(speech.t.help[operation]?.[field.name], field.description);
}

const FORMATS = ["jpeg", "png", "webp", "avif", "tiff", "gif", "bmp", "svg"];

/** A choice of a parameter in the reader's language. */
export function choiceName(value: string | number): string {
  if (typeof value === "number") return String(value);
  if (FORMATS.includes(value)) return format(value);
  // Names such as fp32 and 4:4:4 are written so everywhere.
  return speech.t.choices[value] ?? (/\d/.test(value) ? value : words(value));
}

/** What a recipe is called. */
export function recipeName(name: string): string {
  return speech.t.recipes[name]?.name ?? words(name);
}

/** What a recipe makes; its owner's words where it is their own. */
export function recipeSummary(recipe: RecipeInfo): Said {
  return said(recipe.builtin ? speech.t.recipes[recipe.name]?.summary : undefined, recipe.description);
}

/** How a connection ended. */
export function outcomeName(outcome: string): string {
  return speech.t.privacy.outcomes[outcome] ?? outcome;
}

/** What was sent over a connection. */
export function contentName(what: string): Said {
  return said(speech.t.privacy.contents[what], what);
}

/** What is said of a step, in a line: each parameter by its name. */
export function gistOf(operation: string, values: Record<string, unknown>): string {
  const schema = catalogue.operation(operation)?.json_schema as JsonSchema | undefined;
  const fields = new Map(fieldsOf(schema ?? {}).map((field) => [field.name, field]));
  return Object.entries(values)
    .filter(([, value]) => value !== "" && !(Array.isArray(value) && value.length === 0))
    .slice(0, 3)
    .map(([name, value]) => `${fieldName(name)} ${valueName(fields.get(name), value)}`.trim())
    .join(" · ");
}

function valueName(field: Field | undefined, value: unknown): string {
  if (value === true) return "";
  if (value === false) return speech.t.forms.off.toLowerCase();
  if (typeof value === "number") return number(value, 4) + signOf(field);
  if (Array.isArray(value)) return field?.kind === "box" ? "" : number(value.length);
  if (field?.kind === "picture" || field?.kind === "mask") return "";
  return field?.kind === "choice" ? choiceName(value as string) : String(value);
}

function signOf(field: Field | undefined): string {
  if (field?.unit === "pixels") return " px";
  return field?.unit === "degrees" ? "°" : "";
}
