/** A mask has the picture's pixels, and is no larger than this along a side. */
const LONGEST = 4096;

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
type Point = [x: number, y: number];
/** Something that can be taken back: a line with a round brush, or all of it wiped away. */
type Mark = { points: Point[]; width: number; field: string | null } | "wipe";
/** What lines of a mask are drawn with; black where nothing is said. */
type Ink = string | CanvasPattern;
/** Those of the fields. */
export type Inks = Record<string, Ink>;

/** Masks that are painted together, one for each field of a step: where one is painted, the others are not. */
export class Strokes {
  /** Size of the masks, in pixels. */
  width = $state(1);
  height = $state(1);
  /** Pixels of the masks for one of the picture. */
  shrink = $state(1);
  /** Counts what has changed; what shows them looks at it. */
  edition = $state(0);
  #marks = $state.raw<Mark[]>([]);
  /** Whether there is something to take back. */
  changed = $derived(this.#marks.length > 0);

  /** What was there to begin with: white where the mask is, transparent elsewhere. */
  #given: { field: string; canvas: OffscreenCanvas }[] = [];

  /** Begin with masks that are there already, for a picture of this size. */
  async begin(width: number, height: number, masks: { field: string; blob: Blob }[]): Promise<void> {
    this.shrink = Math.min(1, LONGEST / Math.max(width, height));
    this.width = Math.max(1, Math.round(width * this.shrink));
    this.height = Math.max(1, Math.round(height * this.shrink));
    this.#given = [];
    for (const { field, blob } of masks) {
      const bitmap = await createImageBitmap(blob);
      const { canvas, context } = this.#canvas();
      context.drawImage(bitmap, 0, 0, this.width, this.height);
      bitmap.close();
      const pixels = context.getImageData(0, 0, this.width, this.height);
      const { data } = pixels;
      for (let at = 0; at < data.length; at += 4) {
        data[at + 3] = Math.round(((data[at] ?? 0) * (data[at + 3] ?? 0)) / 255);
        data[at] = data[at + 1] = data[at + 2] = 255;
      }
      context.putImageData(pixels, 0, 0);
      this.#given.push({ field, canvas });
    }
    this.#change([]);
  }

  /** Begin a line: of a field's mask, or null to rub out. `width` and `point` are in pixels of the masks. */
  start(field: string | null, width: number, point: Point): void {
    this.#change([...this.#marks, { points: [point], width, field }]);
  }

  /** Go on with the line that was begun last. */
  extend(point: Point): void {
    const last = this.#marks.at(-1);
    if (last === undefined || last === "wipe") return;
    last.points.push(point);
  }

  /** Take the last line back, or the wipe. */
  undo(): void {
    this.#change(this.#marks.slice(0, -1));
  }

  /** Wipe all away. */
  wipe(): void {
    if (this.#marks.at(-1) !== "wipe") this.#change([...this.#marks, "wipe"]);
  }

  /** Draw all of it, over nothing. */
  draw(context: Context, inks: Inks): void {
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, this.width, this.height);
    for (const { field, canvas: given } of this.#given) {
      const { canvas, context: tinted } = this.#canvas();
      tinted.drawImage(given, 0, 0);
      tinted.globalCompositeOperation = "source-in";
      tinted.fillStyle = inks[field] ?? "black";
      tinted.fillRect(0, 0, this.width, this.height);
      context.drawImage(canvas, 0, 0);
    }
    for (const mark of this.#marks) {
      if (mark === "wipe") context.clearRect(0, 0, this.width, this.height);
      else line(context, mark, inks, 0);
    }
  }

  /** Draw the end of the last line on top of what was drawn. */
  drawEnd(context: Context, inks: Inks): void {
    const last = this.#marks.at(-1);
    if (last !== undefined && last !== "wipe") line(context, last, inks, Math.max(0, last.points.length - 2));
  }

  /** A field's mask as a PNG, white where it was painted and black elsewhere; null where nothing is. */
  async mask(field: string): Promise<Blob | null> {
    const { canvas, context } = this.#canvas();
    this.draw(context, { [field]: "white" });
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "black";
    context.fillRect(0, 0, this.width, this.height);
    const { data } = context.getImageData(0, 0, this.width, this.height);
    for (let at = 0; at < data.length; at += 4)
      if ((data[at] ?? 0) > 127) return canvas.convertToBlob({ type: "image/png" });
    return null;
  }

  #change(marks: Mark[]): void {
    this.#marks = marks;
    this.edition += 1;
  }

  #canvas(): { canvas: OffscreenCanvas; context: OffscreenCanvasRenderingContext2D } {
    const canvas = new OffscreenCanvas(this.width, this.height);
    return { canvas, context: canvas.getContext("2d") as OffscreenCanvasRenderingContext2D };
  }
}

function line(context: Context, mark: Exclude<Mark, "wipe">, inks: Inks, from: number): void {
  const [first, ...rest] = mark.points.slice(from);
  if (first === undefined) return;
  context.globalCompositeOperation = mark.field === null ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = (mark.field === null ? undefined : inks[mark.field]) ?? "black";
  context.lineWidth = mark.width;
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  if (rest.length === 0) {
    context.arc(first[0], first[1], mark.width / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.moveTo(...first);
  for (const point of rest) context.lineTo(...point);
  context.stroke();
}
