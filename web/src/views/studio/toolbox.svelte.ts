import { tick } from "svelte";
import { fieldsOf, type JsonSchema } from "../../lib/forms/schema";
import { catalogue } from "../../lib/state/catalogue.svelte";
import { notices } from "../../lib/state/notices.svelte";
import { pictures } from "../../lib/state/pictures.svelte";
import { session } from "../../lib/state/session.svelte";
import { type Step, steps } from "../../lib/state/steps.svelte";
import { type Trouble, troubleOf } from "../../lib/trouble";
import type { Paint } from "./Brush.svelte";
import type { Camera } from "./camera.svelte";
import type { Opened } from "./opened.svelte";
import type { Box } from "./Rectangle.svelte";
import { Strokes } from "./strokes.svelte";
import { type Tool, toolFor } from "./tools";
import type { Layer } from "./Viewer.svelte";

const AMBER = "#ffb02e";
const PAINTS: Record<string, Omit<Paint, "field">> = {
  keep: { colour: "#17a34a", texture: "plus" },
  remove: { colour: "#dc2626", texture: "minus" },
};

/** The tool in hand: it works on what its step is given, the picture after the steps before it. */
export class Toolbox {
  tool = $state.raw<Tool | null>(null);
  busy = $state(false);
  trouble = $state<Trouble | null>(null);

  box = $state.raw<Box>({ left: 0, top: 0, width: 1, height: 1 });
  /** Proportion of the box: `free`, `original`, or width:height. */
  aspect = $state("free");

  readonly strokes = new Strokes();
  /** Width of the brush, in pixels of the screen. */
  size = $state(40);
  /** What the brush paints; null where it rubs out. */
  paint = $state.raw<Paint | null>(null);
  paints = $state.raw<Paint[]>([]);

  step = $derived(this.tool === null ? undefined : steps.list.find((step) => step.key === this.tool?.key));
  /** What is worked on. */
  layer = $derived.by(() => this.#input ?? this.#source());

  #input = $state.raw<Layer | null>(null);
  /** What was said of the step before. */
  #values: Record<string, unknown> = {};
  #opened: Opened;
  #camera: Camera;
  #source: () => Layer | null;
  #painted: () => void;

  /** `source` is the picture before any step; `painted` is told once masks were painted. */
  constructor(opened: Opened, camera: Camera, source: () => Layer | null, painted: () => void) {
    this.#opened = opened;
    this.#camera = camera;
    this.#source = source;
    this.#painted = painted;
  }

  /** Width for a height of one that the box keeps; null is free. */
  ratio = $derived.by(() => {
    if (this.aspect === "free") return null;
    if (this.aspect === "original") return (this.layer?.width ?? 1) / (this.layer?.height ?? 1);
    const [wide = 1, high = 1] = this.aspect.split(":").map(Number);
    return wide / high;
  });

  /** The focal point, in shares of width and height. */
  focus = $derived.by(() => {
    const [, x, y] = /^([\d.]+),([\d.]+)$/.exec(String(this.step?.values["gravity"] ?? "")) ?? [];
    return { x: Number(x ?? 0.5), y: Number(y ?? 0.5) };
  });

  /** Take a tool. What the one before did is kept. */
  async take(wanted: Tool): Promise<void> {
    if (this.tool?.kind === "brush" && wanted.kind === "brush" && wanted.key === this.tool.key) {
      this.paint = this.paints.find((one) => one.field === wanted.field) ?? null;
      this.tool = wanted;
      return;
    }
    if (this.tool !== null && !(await this.finish())) return;
    const step = steps.list.find((one) => one.key === wanted.key);
    if (step === undefined || this.#source() === null) return;
    this.trouble = null;
    this.busy = true;
    try {
      await this.#makeInput(wanted.key);
      this.#values = $state.snapshot(step.values);
      if (wanted.kind === "brush") await this.#takeBrush(step, wanted.field);
    } catch (error) {
      this.drop();
      this.trouble = troubleOf(error);
      return;
    } finally {
      this.busy = false;
    }
    this.aspect = "free";
    this.tool = wanted;
    if (wanted.kind === "crop" || wanted.kind === "box") this.#startBox();
    await tick();
    this.#camera.fit();
    document.querySelector<HTMLElement>("[data-tool] button, canvas[data-tool]")?.focus();
  }

  /** Put the tool away; the step is as it was before. */
  cancel(): void {
    if (this.step !== undefined) this.step.values = this.#values;
    this.#leave();
  }

  /** Put the tool away, and keep what it did. Gives whether that could be done. */
  async finish(): Promise<boolean> {
    const { tool, step } = this;
    if (tool === null) return true;
    if (tool.kind === "box" && step !== undefined) {
      const rectangle = [this.box.left, this.box.top, this.box.width, this.box.height];
      const boxes = (step.values[tool.field] as number[][] | undefined) ?? [];
      steps.set(tool.key, tool.field, tool.many ? [...boxes, rectangle] : rectangle);
    }
    if (tool.kind === "brush" && this.strokes.changed) {
      this.busy = true;
      try {
        const masks = await Promise.all(this.paints.map(({ field }) => this.#keep(field)));
        for (const [field, id] of masks) steps.set(tool.key, field, id);
        void tick().then(this.#painted);
      } catch (error) {
        notices.fail(error);
        return false;
      } finally {
        this.busy = false;
      }
    }
    this.#leave();
    return true;
  }

  /** Put the tool away at once: its step or its picture is gone. */
  drop(): void {
    if (this.#input !== null) URL.revokeObjectURL(this.#input.src);
    this.#input = null;
    this.tool = null;
  }

  setBox(next: Box): void {
    this.box = next;
    if (this.tool?.kind === "crop" && this.step !== undefined) {
      delete this.step.values["trim"];
      Object.assign(this.step.values, next);
    }
  }

  setFocus(x: number, y: number): void {
    if (this.tool?.kind === "focus") steps.set(this.tool.key, this.tool.field, `${x},${y}`);
  }

  setAspect(next: string): void {
    this.aspect = next;
    const { ratio, layer } = this;
    if (ratio === null || layer === null) return;
    const width = Math.min(layer.width * 0.9, layer.height * 0.9 * ratio);
    this.setBox(this.#centred(width, width / ratio));
  }

  #leave(): void {
    const key = this.tool?.key;
    this.drop();
    document.querySelector<HTMLElement>(`[data-step="${key}"] button[aria-expanded]`)?.focus();
  }

  /** Have the steps before carried out, at full size. */
  async #makeInput(key: string): Promise<void> {
    const place = (one: string): number => steps.list.findIndex((step) => step.key === one);
    const earlier = steps.complete.filter((step) => place(step.key) < place(key));
    if (earlier.length === 0) return;
    const work = { operations: steps.operations(earlier), output: { format: "png" as const } };
    const made = await session.ask((client) => client.images.processSync(this.#opened.source, work));
    const { width = 1, height = 1 } = made.report.output ?? {};
    this.#input = { src: URL.createObjectURL(made.blob), width, height, drawn: width };
  }

  /** One brush paints all masks of a step; it begins with those that are there. */
  async #takeBrush(step: Step, field: string): Promise<void> {
    const schema = catalogue.operation(step.type)?.json_schema as JsonSchema | undefined;
    this.paints = fieldsOf(schema ?? {})
      .filter((one) => toolFor(one, step.key)?.kind === "brush")
      .map((one) => ({ field: one.name, colour: AMBER, texture: "plain", ...PAINTS[one.name] }));
    this.paint = this.paints.find((one) => one.field === field) ?? null;
    const masks: { field: string; blob: Blob }[] = [];
    for (const { field: name } of this.paints) {
      const [id, version] = String(step.values[name] ?? "").split("@");
      if (id === undefined || id === "") continue;
      const options = version === undefined ? {} : { version: Number(version) };
      masks.push({ field: name, blob: await session.ask((client) => client.images.download(id, options)) });
    }
    const { width, height } = this.layer ?? { width: 1, height: 1 };
    await this.strokes.begin(width, height, masks);
  }

  async #keep(field: string): Promise<[string, string | undefined]> {
    const mask = await this.strokes.mask(field);
    if (mask === null) return [field, undefined];
    const stem = (this.#opened.picture?.name ?? "picture").replace(/\.[^.]*$/, "");
    return [field, (await pictures.addMask(mask, `${stem}-${field}.png`)).id];
  }

  #startBox(): void {
    const { width: wide, height: high } = this.layer ?? { width: 1, height: 1 };
    const values = this.#values;
    const given = ["left", "top", "width", "height"].some((name) => values[name] !== undefined);
    if (this.tool?.kind === "crop" && given) {
      const [left, top] = [Number(values["left"] ?? 0), Number(values["top"] ?? 0)];
      const [width, height] = [Number(values["width"] ?? wide - left), Number(values["height"] ?? high - top)];
      this.box = { left, top, width, height };
    } else {
      const share = this.tool?.kind === "crop" ? 0.8 : 0.3;
      this.setBox(this.#centred(wide * share, high * share));
    }
  }

  #centred(width: number, height: number): Box {
    const { width: wide, height: high } = this.layer ?? { width: 1, height: 1 };
    return {
      left: Math.round((wide - width) / 2),
      top: Math.round((high - height) / 2),
      width: Math.round(width),
      height: Math.round(height),
    };
  }
}
