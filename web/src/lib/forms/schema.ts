/** Reads the JSON schemas of operations and settings: what kind of control each of their fields wants. */

/** As much of JSON schema as the service writes. */
export interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: (string | number)[];
  format?: string;
  title?: string;
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: JsonSchema;
  prefixItems?: JsonSchema[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

/** Kinds of controls. */
export type Kind =
  | "switch"
  | "maybe"
  | "choice"
  | "integer"
  | "number"
  | "text"
  | "colour"
  | "model"
  | "picture"
  | "pictures"
  | "texts"
  | "box"
  | "boxes";

/** A field of a form. */
export interface Field {
  name: string;
  kind: Kind;
  description: string;
  /** What it is where nothing is said; null where the service chooses. */
  fallback: unknown;
  /** Whether it may be left to the service. */
  nullable: boolean;
  options: (string | number)[];
  least: number | null;
  most: number | null;
  /** Whether its numbers are pixels of the picture. */
  pixels: boolean;
  /** Longest text. */
  longest: number;
  /** Most items of a list. */
  many: number;
}

/** Every field of an object's schema, but for the `type` that names an operation. */
export function fieldsOf(schema: JsonSchema): Field[] {
  return Object.entries(schema.properties ?? {})
    .filter(([, property]) => property.const === undefined)
    .map(([name, property]) => fieldOf(name, property));
}

/** One field from the schema of its value. */
export function fieldOf(name: string, property: JsonSchema): Field {
  const others = property.anyOf?.filter((one) => one.type !== "null") ?? [];
  const inner = property.anyOf === undefined ? property : { ...property, ...(others[0] ?? {}) };
  const nullable = property.anyOf?.some((one) => one.type === "null") ?? false;
  const description = property.description ?? inner.description ?? "";
  return {
    name,
    kind: kindOf(name, inner, description, nullable),
    description,
    fallback: property.default ?? null,
    nullable,
    options: inner.enum ?? [],
    least: inner.minimum ?? inner.exclusiveMinimum ?? null,
    most: inner.maximum ?? inner.exclusiveMaximum ?? null,
    pixels: /\b(pixels?|columns|rows)\b/i.test(description),
    longest: inner.maxLength ?? 4000,
    many: inner.maxItems ?? 100,
  };
}

function kindOf(name: string, schema: JsonSchema, description: string, nullable: boolean): Kind {
  if (schema.enum !== undefined) return "choice";
  if (schema.type === "boolean") return nullable ? "maybe" : "switch";
  if (schema.type === "integer" || schema.type === "number") return schema.type;
  if (schema.type === "array") {
    if (schema.prefixItems !== undefined) return "box";
    if (schema.items?.prefixItems !== undefined) return "boxes";
    return schema.items?.format === "picture" ? "pictures" : "texts";
  }
  if (schema.format === "picture") return "picture";
  if (name === "model") return "model";
  if (/^colou?r$/.test(name) || /^(the )?colour\b/i.test(description)) return "colour";
  return "text";
}

/** Whether a number is best set with a slider: its range is known, and a hand can hit its values. */
export function slides(field: Field): boolean {
  if (field.least === null || field.most === null) return false;
  const span = field.most - field.least;
  return field.kind === "number" ? span <= 800 : span <= 360;
}

/** The step of a number's slider. */
export function stepOf(field: Field): number {
  if (field.kind === "integer") return 1;
  const span = (field.most ?? 1) - (field.least ?? 0);
  if (span <= 2) return 0.01;
  return span <= 20 ? 0.05 : 1;
}

/** A name of the API as words: denoise_strength is Denoise strength. */
export function words(name: string): string {
  const text = name.replace(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
