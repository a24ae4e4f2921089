import { type Trouble, troubleOf } from "../trouble";

/** Something to be told in passing. */
export interface Notice {
  id: number;
  text: string;
  trouble: Trouble | null;
}

const SECONDS = 6;

class Notices {
  list = $state<Notice[]>([]);
  /** What is only said, to those who hear the page. */
  spoken = $state("");
  #next = 1;

  /** Tell something; it goes by itself. */
  tell(text: string): void {
    const id = this.#add(text, null);
    setTimeout(() => this.dismiss(id), SECONDS * 1000);
  }

  /** Tell what went wrong; it stays until it is dismissed. What was stopped on purpose is not told. */
  fail(error: unknown): void {
    const trouble = troubleOf(error);
    if (trouble !== null && !this.list.some((one) => one.trouble?.message === trouble.message))
      this.#add(trouble.message, trouble);
  }

  /** Say something without showing it. */
  say(text: string): void {
    this.spoken = text;
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(text: string, trouble: Trouble | null): number {
    const id = this.#next++;
    this.list = [...this.list.slice(-3), { id, text, trouble }];
    return id;
  }
}

/** What is told in passing. */
export const notices = new Notices();
