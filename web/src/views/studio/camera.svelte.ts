/** Where the viewer looks: how large a pixel of the picture is on the screen, and where the picture lies. */
export class Camera {
  /** The viewer's own size, in CSS pixels. */
  width = $state(0);
  height = $state(0);
  /** The picture's size, in its pixels. */
  imageWidth = $state(1);
  imageHeight = $state(1);

  /** CSS pixels for a pixel of the picture; null fits it in. */
  #zoom = $state<number | null>(null);
  #centreX = $state(0.5);
  #centreY = $state(0.5);

  /** What fits the whole picture in, with a margin; small pictures are enlarged to four times at most. */
  fitting = $derived.by(() => {
    const margin = this.width < 500 ? 16 : 56;
    const room = Math.min((this.width - margin) / this.imageWidth, (this.height - margin - 24) / this.imageHeight);
    return Math.max(0.001, Math.min(room, 4));
  });
  scale = $derived(this.#zoom ?? this.fitting);
  fitted = $derived(this.#zoom === null);
  /** Where the picture's left top corner is. */
  left = $derived(this.width / 2 - this.#centreX * this.imageWidth * this.scale);
  top = $derived(this.height / 2 - this.#centreY * this.imageHeight * this.scale);

  /** Where a picture of another shape lies in one half of the viewer, as near as this one is in the whole. */
  beside(width: number, height: number): { left: number; top: number; width: number; height: number } {
    const pane = this.width / 2;
    const fit = Math.min((pane - 40) / width, (this.height - 110) / height, 4);
    const scale = fit * (this.scale / this.fitting);
    return {
      left: pane / 2 - this.#centreX * width * scale,
      top: this.height / 2 - 8 - this.#centreY * height * scale,
      width: width * scale,
      height: height * scale,
    };
  }

  /** Fit the whole picture in. */
  fit(): void {
    this.#zoom = null;
    this.#centreX = this.#centreY = 0.5;
  }

  /** Show a pixel of the picture as one of the screen. */
  pixels(x?: number, y?: number): void {
    this.zoomTo(1 / devicePixelRatio, x, y);
  }

  /** Take another scale; the point of the viewer that is given stays where it is. */
  zoomTo(scale: number, x = this.width / 2, y = this.height / 2): void {
    const next = Math.min(32, Math.max(Math.min(this.fitting, 0.05), scale));
    const imageX = (x - this.left) / this.scale;
    const imageY = (y - this.top) / this.scale;
    this.#zoom = next;
    this.#centreX = (this.width / 2 - x + imageX * next) / (this.imageWidth * next);
    this.#centreY = (this.height / 2 - y + imageY * next) / (this.imageHeight * next);
    this.#hold();
  }

  /** Zoom by a factor. */
  zoomBy(factor: number, x?: number, y?: number): void {
    this.zoomTo(this.scale * factor, x, y);
  }

  /** Move the picture by so many CSS pixels. */
  pan(dx: number, dy: number): void {
    if (this.fitted) return;
    this.#centreX -= dx / (this.imageWidth * this.scale);
    this.#centreY -= dy / (this.imageHeight * this.scale);
    this.#hold();
  }

  #hold(): void {
    this.#centreX = Math.min(1, Math.max(0, this.#centreX));
    this.#centreY = Math.min(1, Math.max(0, this.#centreY));
  }
}
