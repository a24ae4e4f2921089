import { type Field, fieldsOf, type JsonSchema } from "../../lib/forms/schema";

/** A tool that sets parameters of a step on the picture itself. */
export type Tool =
  | { kind: "crop"; key: string }
  | { kind: "focus"; key: string; field: string }
  | { kind: "brush"; key: string; field: string }
  | { kind: "box"; key: string; field: string; many: boolean };

/** Whether an operation takes a rectangle by its sides. */
export function cropsBySides(schema: JsonSchema): boolean {
  const names = new Set(fieldsOf(schema).map((field) => field.name));
  return ["left", "top", "width", "height"].every((name) => names.has(name));
}

/** The tool that can set a field; null where there is none. */
export function toolFor(field: Field, key: string): Tool | null {
  if (field.kind === "picture" && ["mask", "keep", "remove"].includes(field.name))
    return { kind: "brush", key, field: field.name };
  if (field.kind === "text" && field.name === "gravity") return { kind: "focus", key, field: field.name };
  if (field.kind === "box" || field.kind === "boxes")
    return { kind: "box", key, field: field.name, many: field.kind === "boxes" };
  return null;
}
