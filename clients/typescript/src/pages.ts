import type { Page } from "./types.js";

/** A list that comes in pages: await it for one page, or go through all of it with `for await`. */
export interface Listing<T> extends PromiseLike<Page<T>>, AsyncIterable<T> {
  /** Page after page. */
  pages(): AsyncIterable<Page<T>>;
}

/** A listing of what `fetchPage` gives for a cursor. Nothing is asked for until it is read. */
export function listing<T>(fetchPage: (after: string | undefined) => Promise<Page<T>>, after?: string): Listing<T> {
  async function* pages(): AsyncGenerator<Page<T>, void, void> {
    for (let cursor: string | null | undefined = after; cursor !== null;) {
      const page: Page<T> = await fetchPage(cursor);
      yield page;
      cursor = page.next;
    }
  }
  async function* items(): AsyncGenerator<T, void, void> {
    for await (const page of pages()) yield* page.items;
  }
  return {
    then: (fulfilled, rejected) => fetchPage(after).then(fulfilled, rejected),
    pages,
    [Symbol.asyncIterator]: items,
  };
}
