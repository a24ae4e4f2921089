import { type Trouble, troubleOf } from "../trouble";

/** Something to be told in passing. */
export interface Notice {
  id: number;
  text: string;
  trouble: Trouble | null;
  /** Where to see more of it. */
  link: { href: string; text: string } | null;
}

const SECONDS = 6;

class Notices {
  list = $state<Notice[]>([]);
  /** What is only said, to those who hear the page. */
  spoken = $state("");
  #next = 1;

  /** Tell something; it goes by itself. Gives its id. */
  tell(text: string, link: Notice["link"] = null): number {
    const id = this.#add(text, null, link);
    setTimeout(() => this.dismiss(id), SECONDS * 1000);
    return id;
  }

  /** Tell what went wrong; it stays until it is dismissed. What was stopped on purpose is not told. */
  fail(error: unknown): void {
    const trouble = troubleOf(error);
    if (trouble !== null) this.report(trouble);
  }

  /** Tell of trouble, once; `what` it is about goes before it, where it does not say that itself. */
  report(trouble: Trouble, what = ""): void {
    const text = trouble.message.includes(what) ? trouble.message : `${what}: ${trouble.message}`;
    if (!this.list.some((one) => one.trouble !== null && one.text === text))
      this.#add(text, { ...trouble, message: text }, null);
  }

  /** Say something without showing it. */
  say(text: string): void {
    this.spoken = text;
  }

  dismiss(id: number): void {
    this.list = this.list.filter((notice) => notice.id !== id);
  }

  #add(text: string, trouble: Trouble | null, link: Notice["link"]): number {
    const id = this.#next++;
    this.list = [...this.list.slice(-3), { id, text, trouble, link }];
    return id;
  }
}

/** What is told in passing. */
export const notices = new Notices();
