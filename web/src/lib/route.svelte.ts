/** The views of the page. */
export const VIEWS = ["studio", "batch", "models", "settings", "privacy", "jobs"] as const;
/** Name of a view. */
export type View = (typeof VIEWS)[number];

class Route {
  view = $state<View>("studio");
  /** What of the view is shown: a picture, a batch, a job. */
  id = $state<string | null>(null);

  /** What is shown of a view; null where another one is. While a view is fetched, the one before is still there. */
  of(view: View): string | null {
    return this.view === view ? this.id : null;
  }

  /** Follow the address of the page. */
  start(): void {
    const read = (): void => {
      const [view = "", id = ""] = location.hash.replace(/^#\/?/, "").split("/");
      this.view = (VIEWS as readonly string[]).includes(view) ? (view as View) : "studio";
      this.id = id === "" ? null : decodeURIComponent(id);
    };
    read();
    addEventListener("hashchange", read);
  }
}

/** Where in the page its reader is. */
export const route = new Route();

/** The address of a view. */
export function linkTo(view: View, id?: string): string {
  return `#/${view}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;
}

/** Go to a view. */
export function go(view: View, id?: string): void {
  location.hash = linkTo(view, id);
}
