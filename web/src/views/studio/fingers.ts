import type { Camera } from "./camera.svelte";

interface Finger {
  id: number;
  x: number;
  y: number;
  target: EventTarget;
}

/**
 * One finger, or the mouse, moves the picture where no tool takes it; two move and zoom it even over a tool.
 *
 * A tool that was used with the first finger is told `pointercancel`, and takes back what it began.
 */
export class Fingers {
  #camera: Camera;
  #down: Finger[] = [];
  /** Whether the fingers that are down are the camera's; the last one that is left stays so. */
  #ours = false;

  constructor(camera: Camera) {
    this.#camera = camera;
  }

  /** Listen to all that happens in the stage, before what is in it does. Gives what stops it. */
  watch(stage: HTMLElement): () => void {
    const listeners = {
      pointerdown: (event: PointerEvent) => this.#press(event, stage),
      pointermove: (event: PointerEvent) => this.#move(event, stage),
      pointerup: (event: PointerEvent) => this.#lift(event),
      pointercancel: (event: PointerEvent) => this.#lift(event),
    };
    const all = Object.entries(listeners) as [keyof typeof listeners, (event: PointerEvent) => void][];
    for (const [name, listen] of all) stage.addEventListener(name, listen, { capture: true });
    return () => {
      for (const [name, listen] of all) stage.removeEventListener(name, listen, { capture: true });
    };
  }

  #press(event: PointerEvent, stage: HTMLElement): void {
    const target = event.target as Element;
    const forTool = target.closest("[data-tool]") !== null && event.button === 0;
    // A mouse presses and releases; only fingers are several.
    if (event.pointerType !== "touch") this.#down = [];
    this.#down.push({ id: event.pointerId, x: event.clientX, y: event.clientY, target });
    const [first] = this.#down;
    if (this.#down.length === 1) this.#ours = !forTool;
    else if (!this.#ours && first !== undefined) {
      const { id: pointerId } = first;
      first.target.dispatchEvent(new PointerEvent("pointercancel", { pointerId, bubbles: true }));
      this.#ours = true;
    }
    if (!this.#ours) return;
    if (this.#down.length > 1) event.stopPropagation();
    stage.setPointerCapture(event.pointerId);
  }

  #move(event: PointerEvent, stage: HTMLElement): void {
    const from = this.#down.find((finger) => finger.id === event.pointerId);
    if (!this.#ours || from === undefined) return;
    event.stopPropagation();
    const other = this.#down.find((finger) => finger.id !== event.pointerId);
    if (other !== undefined) {
      const box = stage.getBoundingClientRect();
      const apart = Math.hypot(from.x - other.x, from.y - other.y);
      const now = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      const [x, y] = [(event.clientX + other.x) / 2 - box.left, (event.clientY + other.y) / 2 - box.top];
      if (apart > 0) this.#camera.zoomBy(now / apart, x, y);
      this.#camera.pan((event.clientX - from.x) / 2, (event.clientY - from.y) / 2);
    } else this.#camera.pan(event.clientX - from.x, event.clientY - from.y);
    from.x = event.clientX;
    from.y = event.clientY;
  }

  #lift(event: PointerEvent): void {
    // The one that was made here tells tools only.
    if (!event.isTrusted) return;
    if (this.#ours && this.#down.length > 0) event.stopPropagation();
    this.#down = this.#down.filter((finger) => finger.id !== event.pointerId);
    if (this.#down.length === 0) this.#ours = false;
  }
}
