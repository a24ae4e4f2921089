/** A rectangle of the viewer, in CSS pixels. */
export interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where the viewer looks: how large a pixel of the picture is on the screen, and where the picture lies. */
export class Camera {
  /** The viewer's own size, in CSS pixels. */
  width = $state(0);
  height = $state(0);
  /** The picture's size, in its pixels. */
  imageWidth = $state(1);
  imageHeight = $state(1);
  /** How many pictures share the viewer, side by side. */
  columns = $state(1);
  /** Whether what is drawn at the picture's edges has to be reached: they keep away from those of the viewer. */
  edged = $state(false);

  /** CSS pixels for a pixel of the picture; null fits it in. */
  #zoom = $state<number | null>(null);
  #centreX = $state(0.5);
  #centreY = $state(0.5);

  /** What the picture has of the viewer, in CSS pixels across. */
  room = $derived(this.width / this.columns);
  #margin = $derived(this.edged ? 44 : this.width < 500 ? 16 : 48);
  /** What fits the whole picture in, with a margin; small pictures are enlarged to four times at most. */
  fitting = $derived(this.#fit(this.imageWidth, this.imageHeight));
  scale = $derived(this.#zoom ?? this.fitting);
  /** Pixels of the screen for one of the picture. */
  magnification = $derived(this.scale * devicePixelRatio);
  fitted = $derived(this.#zoom === null);
  /** Where the picture lies; beside another one, within its own column. */
  place = $derived(this.#placed(this.imageWidth, this.imageHeight, this.scale));

  /** Look at a picture of this size, as near as at the one before. */
  show(width: number, height: number, columns: number): void {
    if (width === this.imageWidth && height === this.imageHeight && columns === this.columns) return;
    const nearer = this.#zoom === null ? null : this.#zoom / this.fitting;
    this.imageWidth = width;
    this.imageHeight = height;
    this.columns = columns;
    this.#zoom = nearer === null ? null : nearer * this.fitting;
  }

  /** Where a picture of another shape lies in a column of its own, as near as this one is in the other. */
  beside(width: number, height: number): Place {
    return this.#placed(width, height, this.#fit(width, height) * (this.scale / this.fitting));
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
  zoomTo(scale: number, x = this.room / 2, y = this.height / 2): void {
    const next = Math.min(32, Math.max(Math.min(this.fitting, 0.05), scale));
    const within = x % this.room;
    const imageX = (within - this.place.left) / this.scale;
    const imageY = (y - this.place.top) / this.scale;
    this.#zoom = next;
    this.#centreX = (this.room / 2 - within + imageX * next) / (this.imageWidth * next);
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

  #placed(width: number, height: number, scale: number): Place {
    return {
      left: this.room / 2 - this.#centreX * width * scale,
      top: this.height / 2 - this.#centreY * height * scale,
      width: width * scale,
      height: height * scale,
    };
  }

  #fit(width: number, height: number): number {
    const room = Math.min((this.room - this.#margin) / width, (this.height - this.#margin) / height);
    return Math.max(0.001, Math.min(room, 4));
  }

  #hold(): void {
    this.#centreX = Math.min(1, Math.max(0, this.#centreX));
    this.#centreY = Math.min(1, Math.max(0, this.#centreY));
  }
}
