import { hasCode, type Operation, type Report } from "@darkroom/client";
import { countsPixels, fieldsOf, type JsonSchema } from "../../lib/forms/schema";
import { catalogue } from "../../lib/state/catalogue.svelte";
import { session } from "../../lib/state/session.svelte";
import type { Step } from "../../lib/state/steps.svelte";
import { type Trouble, troubleOf } from "../../lib/trouble";

/** Wait for this long after the last change, in milliseconds. */
const CALM = 140;
/** A preview that took no longer than this is made again by itself when something changes, in seconds. */
const QUICK = 2.5;
const FORMATS = ["jpeg", "png", "webp", "avif", "gif", "bmp"];

/** A picture that was made only to be looked at. */
export interface Shown {
  src: string;
  width: number;
  height: number;
  report: Report;
  seconds: number;
}

/** Makes pictures of steps at screen size: the newest wish only, and one at a time. */
export class Preview {
  shown = $state.raw<Shown | null>(null);
  busy = $state(false);
  /** Whether steps have changed, and the next preview has to be asked for. */
  stale = $state(false);
  trouble = $state<Trouble | null>(null);

  #stop: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** How long the same operations took last, in seconds. */
  #took: Record<string, number> = {};

  /** Make a preview soon, if that is quick; else say that it is stale. */
  want(image: string, version: number, steps: Step[], screen: number, ops: () => Operation[]): void {
    this.#forget();
    if (steps.length === 0) {
      this.clear();
      return;
    }
    if ((this.#took[kindsOf(steps)] ?? (mayBeSlow(steps) ? Infinity : 0)) > QUICK) {
      this.stale = true;
      return;
    }
    this.#timer = setTimeout(() => void this.make(image, version, steps, screen, ops()), CALM);
  }

  /** Make a preview now. */
  async make(image: string, version: number, steps: Step[], screen: number, operations: Operation[]): Promise<void> {
    this.#forget();
    const stop = (this.#stop = new AbortController());
    this.busy = true;
    this.stale = false;
    const begun = performance.now();
    try {
      const work = { operations: atScreen(steps, operations, screen), output: outputOf(operations) };
      const source = { image_id: image, version, store_id: "", product_id: "" };
      const made = await session.ask((client) => client.images.processSync(source, work, { signal: stop.signal }));
      if (stop.signal.aborted) return;
      const seconds = (performance.now() - begun) / 1000;
      this.#took[kindsOf(steps)] = seconds;
      this.#show({
        src: URL.createObjectURL(made.blob),
        width: made.report.output?.width ?? 1,
        height: made.report.output?.height ?? 1,
        report: made.report,
        seconds,
      });
      this.trouble = null;
    } catch (error) {
      if (stop.signal.aborted || hasCode(error, "aborted")) return;
      this.trouble = placed(troubleOf(error), lastWithPixels(steps) + 1);
    } finally {
      if (this.#stop === stop) this.busy = false;
    }
  }

  /** Show none. */
  clear(): void {
    this.#forget();
    this.busy = this.stale = false;
    this.trouble = null;
    this.#show(null);
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#stop?.abort();
    this.#stop = null;
    this.busy = false;
  }

  #show(next: Shown | null): void {
    const last = this.shown;
    this.shown = next;
    // The old one is on the screen until the new one is drawn.
    if (last !== null) setTimeout(() => URL.revokeObjectURL(last.src), 2000);
  }
}

/** Whether a step would run a network: it can use one, and one of its models is here. */
function mayBeSlow(steps: Step[]): boolean {
  const tasks = steps.flatMap((step) => catalogue.operation(step.type)?.tasks ?? []);
  return catalogue.models.some((model) => model.state === "here" && tasks.includes(model.task));
}

function kindsOf(steps: Step[]): string {
  return steps.map((step) => step.type).join(" ");
}

/**
 * The operations with the picture brought to screen size as early as the result allows.
 *
 * Steps that are told in pixels of the picture mean those of the whole one, so it is made smaller behind the last of
 * them.
 */
function atScreen(steps: Step[], operations: Operation[], screen: number): Operation[] {
  const shrink: Operation = { type: "resize", width: screen, height: screen };
  const last = lastWithPixels(steps);
  return [...operations.slice(0, last + 1), shrink, ...operations.slice(last + 1)];
}

/** Trouble that names steps by their place, without the one that was put in. */
function placed(trouble: Trouble | null, at: number): Trouble | null {
  if (trouble === null) return null;
  const { step } = trouble;
  return { ...trouble, step: step === null || step < at ? step : step === at ? null : step - 1 };
}

function lastWithPixels(steps: Step[]): number {
  return steps.findLastIndex((step) => isInPixels(step));
}

function isInPixels(step: Step): boolean {
  const schema = catalogue.operation(step.type)?.json_schema as JsonSchema | undefined;
  return fieldsOf(schema ?? {}).some((field) => countsPixels(field, step.values[field.name]));
}

/** PNG is the quickest to write; what a step says of the format is shown, if a browser can show it. */
function outputOf(operations: Operation[]): { format?: "png" } {
  const said = operations.findLast((one) => one.type === "convert");
  const format = said !== undefined && "format" in said ? said.format : undefined;
  return typeof format === "string" && FORMATS.includes(format) ? {} : { format: "png" };
}
