import { hasCode, type Operation, type Report } from "@darkroom/client";
import { fieldsOf, type JsonSchema } from "../../lib/forms/schema";
import { catalogue } from "../../lib/state/catalogue.svelte";
import { session } from "../../lib/state/session.svelte";
import { type Step, steps } from "../../lib/state/steps.svelte";
import { type Trouble, troubleOf } from "../../lib/trouble";
import type { Source } from "./opened.svelte";
import type { Layer } from "./Viewer.svelte";

/** Wait for this long after the last change, in milliseconds. */
const CALM = 140;
/** A preview that took no longer than this is made again by itself when something changes, in seconds. */
const QUICK = 2.5;
/** More pixels are fetched by themselves where that is expected to take no longer, in seconds. */
const PATIENT = 8;
const FORMATS = ["jpeg", "png", "webp", "avif", "gif", "bmp"];

/** A picture that was made only to be looked at. */
export interface Shown extends Layer {
  report: Report;
  seconds: number;
  /** Longer side of the picture on which the last steps worked, and the one that they would work on in a run. */
  screen: number;
  whole: number;
}

interface Wish {
  source: Source;
  steps: Step[];
  operations: Operation[];
  /** Longer side to which the picture is brought; null leaves it as it is. */
  screen: number | null;
}

/** Makes pictures of steps, at screen size first: the newest wish only, and one at a time. */
export class Preview {
  shown = $state.raw<Shown | null>(null);
  busy = $state(false);
  /** Whether steps have changed, and the next preview has to be asked for. */
  stale = $state(false);
  trouble = $state<Trouble | null>(null);

  #stop: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wish: Wish | null = null;
  /** How long the same operations took last at screen size, in seconds. */
  #took: Record<string, number> = {};

  /** Make a preview soon, if that is quick; else say that it is stale. */
  want(source: Source, screen: number): void {
    this.#forget();
    this.#wish = null;
    const active = steps.complete;
    if (active.length === 0) {
      this.clear();
      return;
    }
    if ((this.#took[kindsOf(active)] ?? (mayBeSlow(active) ? Infinity : 0)) > QUICK) {
      this.stale = true;
      return;
    }
    this.#timer = setTimeout(() => void this.make(source, screen), CALM);
  }

  /** Make a preview now. */
  async make(source: Source, screen: number): Promise<void> {
    const active = steps.complete;
    if (active.length === 0) return;
    this.stale = false;
    const made = await this.#make({ source, steps: active, operations: steps.operations(active), screen });
    if (made !== null) this.#took[kindsOf(active)] = made.seconds;
  }

  /** Fetch as many pixels as can be seen at this magnification, soon, unless that takes long. */
  refine(magnification: number): void {
    const { shown } = this;
    const wish = this.#wish;
    if (shown === null || wish === null || this.busy || this.stale || !isCoarse(shown, magnification)) return;
    const needed = shown.screen * ((magnification * shown.width) / shown.drawn);
    const screen = needed > shown.whole * 0.7 ? shown.whole : Math.ceil(needed / 256) * 256;
    if (shown.seconds * (screen / shown.screen) ** 2 > PATIENT) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#make({ ...wish, screen: screen < shown.whole ? screen : null }), CALM);
  }

  /** Show none. */
  clear(): void {
    this.#forget();
    this.#wish = null;
    this.stale = false;
    this.trouble = null;
    this.#show(null);
  }

  async #make(wish: Wish): Promise<Shown | null> {
    this.#forget();
    this.#wish = wish;
    const stop = (this.#stop = new AbortController());
    this.busy = true;
    const begun = performance.now();
    try {
      const work = workOf(wish);
      const made = await session.ask((client) => client.images.processSync(wish.source, work, { signal: stop.signal }));
      if (stop.signal.aborted) return null;
      const seconds = (performance.now() - begun) / 1000;
      const shown = { src: URL.createObjectURL(made.blob), report: made.report, seconds, ...sizeOf(made.report, wish) };
      this.#show(shown);
      this.trouble = null;
      return shown;
    } catch (error) {
      if (!stop.signal.aborted && !hasCode(error, "aborted"))
        this.trouble = placed(troubleOf(error), wish.screen === null ? Infinity : lastWithPixels(wish.steps) + 1);
      return null;
    } finally {
      if (this.#stop === stop) this.busy = false;
    }
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

/** Whether a layer has fewer pixels than it is shown with at this magnification, and than it could have. */
export function isCoarse({ width, drawn }: Layer, magnification: number): boolean {
  return drawn < 0.95 * width * Math.min(1, magnification);
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
 * What the service is asked for: the operations, with the picture brought to screen size as early as the result allows.
 *
 * Steps that are told in pixels of the picture mean those of the whole one, so it is made smaller behind the last of
 * them. PNG loses nothing, and with little effort is written quickly; what a step says of the format is shown instead, if
 * a browser can show it.
 */
function workOf({ steps, operations, screen }: Wish): { operations: Operation[] } {
  const at = lastWithPixels(steps) + 1;
  const shrink = screen === null ? [] : [{ type: "resize", width: screen, height: screen } as Operation];
  const said = operations.findLast((one) => one.type === "convert");
  const format = said !== undefined && "format" in said ? said.format : undefined;
  const write = FORMATS.includes(String(format)) ? [] : [{ type: "convert", format: "png", effort: 1 } as Operation];
  return { operations: [...operations.slice(0, at), ...shrink, ...operations.slice(at), ...write] };
}

/** How large the result of a run would be, and how much of it is there. */
function sizeOf(report: Report, { steps, screen }: Wish): Omit<Shown, "src" | "report" | "seconds"> {
  const { width = 1, height = 1 } = report.output ?? {};
  const at = lastWithPixels(steps) + 1;
  const given = at === 0 ? report.input : report.steps[at - 1];
  const whole = Math.max(given?.width ?? 1, given?.height ?? 1);
  const shrunk = screen === null ? given : report.steps[at];
  const longest = Math.max(shrunk?.width ?? 1, shrunk?.height ?? 1);
  const factor = whole / longest;
  return {
    width: Math.round(width * factor),
    height: Math.round(height * factor),
    drawn: width,
    screen: longest,
    whole,
  };
}

/** Trouble that names steps by their place, without the one that was put in. */
function placed(trouble: Trouble | null, at: number): Trouble | null {
  if (trouble === null) return null;
  const earlier = (_: string, place: string): string => `operations.${Number(place) > at ? Number(place) - 1 : place}`;
  return { ...trouble, message: trouble.message.replace(/operations\.(\d+)/g, earlier) };
}

function lastWithPixels(steps: Step[]): number {
  return steps.findLastIndex((step) => countsPixels(step));
}

function countsPixels(step: Step): boolean {
  const schema = catalogue.operation(step.type)?.json_schema as JsonSchema | undefined;
  return fieldsOf(schema ?? {}).some((field) => field.pixels && step.values[field.name] !== undefined);
}
