import { catalogue } from "./catalogue.svelte";

/** A way to say enough, as operations write it in their schemas under `x-needs`. */
interface Way {
  required?: string[];
  properties?: Record<string, { const?: unknown; enum?: unknown[] }>;
}

/** The fields that would complete an operation, one list for each way; none where it is complete. */
export function missing(type: string, values: Record<string, unknown>): string[][] {
  const schema = catalogue.operation(type)?.json_schema as { "x-needs"?: Way[] } | undefined;
  const ways = schema?.["x-needs"] ?? [];
  if (ways.length === 0 || ways.some((way) => isTaken(way, values))) return [];
  return ways.flatMap((way) => (way.required === undefined ? [] : [way.required]));
}

function isTaken(way: Way, values: Record<string, unknown>): boolean {
  const said = (way.required ?? []).every((name) => isSaid(values[name]));
  return (
    said &&
    Object.entries(way.properties ?? {}).every(([name, rule]) => {
      const value = values[name];
      return value === undefined || (rule.enum?.includes(value) ?? rule.const === value);
    })
  );
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}
