import type { Operation, Output, RecipeInfo } from "@darkroom/client";
import { fieldsOf, type JsonSchema } from "../forms/schema";
import { catalogue } from "./catalogue.svelte";
import { missing } from "./needs";

/** A step of the editor: an operation, and what was said of its parameters. */
export interface Step {
  key: string;
  type: string;
  values: Record<string, unknown>;
  /** Whether it is left out. */
  off: boolean;
  /** Whether its form is shown. */
  open: boolean;
}

/** Steps that were removed at once, and the recipe that took their place. */
export interface Removed {
  recipe: string | null;
  list: Step[];
  output: Output;
}

const KEPT = "darkroom.steps";

class Steps {
  list = $state<Step[]>([]);
  output = $state<Output>({});
  /** What was here until all of it was removed, or until a recipe took its place. */
  removed = $state.raw<Removed | null>(null);
  /** Steps that are carried out. */
  active = $derived(this.list.filter((step) => !step.off));
  /** Those of them to which enough was said. */
  complete = $derived(this.active.filter((step) => missing(step.type, step.values).length === 0));

  constructor() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as { list?: Step[]; output?: Output };
      this.list = kept.list ?? [];
      this.output = kept.output ?? {};
    } catch {
      // What was kept cannot be read: begin afresh.
    }
  }

  /** Remember the steps for the next visit. */
  keep(): void {
    localStorage.setItem(KEPT, JSON.stringify({ list: this.list, output: this.output }));
  }

  /** Put an operation at the end. */
  add(type: string, values: Record<string, unknown> = {}): Step {
    for (const step of this.list) step.open = false;
    this.list.push({ key: newKey(), type, values, off: false, open: true });
    return this.list.at(-1) as Step;
  }

  /** Say a parameter of a step; undefined and null leave it to its default. */
  set(key: string, field: string, value: unknown): void {
    const step = this.list[this.#at(key)];
    if (step === undefined) return;
    const others = Object.entries(step.values).filter(([name]) => name !== field);
    step.values = Object.fromEntries(value === undefined || value === null ? others : [...others, [field, value]]);
  }

  /** Show a step's form, or hide it. */
  fold(key: string): void {
    const step = this.list[this.#at(key)];
    if (step !== undefined) step.open = !step.open;
  }

  /** Leave a step out, or carry it out again. */
  toggle(key: string): void {
    const step = this.list[this.#at(key)];
    if (step !== undefined) step.off = !step.off;
  }

  /** Put a step behind itself once more. */
  duplicate(key: string): void {
    const at = this.#at(key);
    const step = this.list[at];
    if (step !== undefined) this.list.splice(at + 1, 0, { ...$state.snapshot(step), key: newKey() });
  }

  remove(key: string): void {
    this.list = this.list.filter((step) => step.key !== key);
  }

  /** Remove all; they can be put back. */
  clear(): void {
    this.#remember(null);
    this.list = [];
    this.output = {};
  }

  /** Put a step at another place. */
  move(key: string, to: number): void {
    const from = this.#at(key);
    if (from < 0 || to < 0 || to >= this.list.length || from === to) return;
    const [step] = this.list.splice(from, 1);
    if (step !== undefined) this.list.splice(to, 0, step);
  }

  /** Take the steps of a recipe in place of those that are here; these can be put back. */
  take(recipe: RecipeInfo): void {
    this.#remember(recipe.name);
    this.list = recipe.operations.map((operation) => {
      const { type, ...values } = operation as { type: string } & Record<string, unknown>;
      return { key: newKey(), type, values: said(type, values), off: false, open: false };
    });
    const output = Object.entries(recipe.output).filter(([, value]) => value !== null);
    this.output = Object.fromEntries(output) as Output;
  }

  /** The operations as the service takes them. */
  operations(steps: Step[] = this.active): Operation[] {
    return steps.map((step) => ({ ...$state.snapshot(step.values), type: step.type }) as Operation);
  }

  /** Put back what was removed. */
  putBack(): void {
    if (this.removed === null) return;
    this.list = this.removed.list;
    this.output = this.removed.output;
    this.removed = null;
  }

  #remember(recipe: string | null): void {
    if (this.list.length === 0) return;
    this.removed = {
      recipe,
      list: $state.snapshot(this.list) as Step[],
      output: $state.snapshot(this.output) as Output,
    };
  }

  #at(key: string): number {
    return this.list.findIndex((step) => step.key === key);
  }
}

/** Values that are not what they would be anyway. */
function said(type: string, values: Record<string, unknown>): Record<string, unknown> {
  const schema = catalogue.operation(type)?.json_schema as JsonSchema | undefined;
  const defaults = new Map(fieldsOf(schema ?? {}).map((field) => [field.name, field.fallback]));
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => value !== null && JSON.stringify(value) !== JSON.stringify(defaults.get(name)),
    ),
  );
}

/** A key that nobody else has. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("");
}

/** What is done to pictures. */
export const steps = new Steps();
