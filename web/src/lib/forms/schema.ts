/** Reads the JSON schemas of operations and settings: what kind of control each of their fields wants. */

/** As much of JSON schema as the service writes. */
export interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: (string | number)[];
  /** What a text names: picture, mask, model, colour, focal-point. */
  format?: string;
  /** What a number counts. */
  unit?: Unit;
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

/** What numbers count: lengths in the picture, angles, steps of 255, sizes of files. */
export type Unit = "pixels" | "degrees" | "levels" | "bytes";

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
  | "focus"
  | "mask"
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
  /** Whether the least or the most itself is not allowed. */
  above: boolean;
  below: boolean;
  unit: Unit | null;
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
    kind: kindOf(inner, nullable),
    description,
    fallback: property.default ?? null,
    nullable,
    options: inner.enum ?? [],
    least: inner.minimum ?? inner.exclusiveMinimum ?? null,
    most: inner.maximum ?? inner.exclusiveMaximum ?? null,
    above: inner.exclusiveMinimum !== undefined,
    below: inner.exclusiveMaximum !== undefined,
    unit: inner.unit ?? inner.items?.unit ?? null,
    longest: inner.maxLength ?? 4000,
    many: inner.maxItems ?? 100,
  };
}

const NAMED: Record<string, Kind> = {
  colour: "colour",
  "focal-point": "focus",
  mask: "mask",
  model: "model",
  picture: "picture",
};

function kindOf(schema: JsonSchema, nullable: boolean): Kind {
  if (schema.enum !== undefined) return "choice";
  if (schema.type === "boolean") return nullable ? "maybe" : "switch";
  if (schema.type === "integer" || schema.type === "number") return schema.type;
  if (schema.type === "array") {
    if (schema.prefixItems !== undefined) return "box";
    if (schema.items?.prefixItems !== undefined) return "boxes";
    return schema.items?.format === "picture" ? "pictures" : "texts";
  }
  return NAMED[schema.format ?? ""] ?? "text";
}

/**
 * Whether a number is best set with a slider: its range is known, a hand can hit its values, and it has one from the
 * start. What is left to the service has no place on a slider.
 */
export function slides(field: Field): boolean {
  if (field.least === null || field.most === null || typeof field.fallback !== "number") return false;
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

/** The nearest number that a field allows. */
export function allowed(field: Field, number: number): number {
  const step = stepOf(field);
  const wanted = field.kind === "integer" ? Math.round(number) : number;
  if (field.least !== null && (wanted < field.least || (field.above && wanted === field.least)))
    return field.least + (field.above ? step : 0);
  if (field.most !== null && (wanted > field.most || (field.below && wanted === field.most)))
    return field.most - (field.below ? step : 0);
  return wanted;
}

/** Whether a value means another thing once the picture is made smaller: a length in its pixels. */
export function countsPixels(field: Field, value: unknown): boolean {
  if (field.unit !== "pixels" || value === undefined) return false;
  // A rectangle is told in pixels, or in shares, which are at most 1.
  const boxes = field.kind === "box" ? [value] : field.kind === "boxes" ? (value as unknown[]) : null;
  return boxes === null || boxes.some((box) => Math.max(...(box as number[])) > 1);
}

/** A name of the API as words: denoise_strength is Denoise strength. */
export function words(name: string): string {
  const text = name.replace(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
