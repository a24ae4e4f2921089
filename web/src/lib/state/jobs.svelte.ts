import { hasEnded, type Job, type JobState } from "@darkroom/client";
import { SvelteMap } from "svelte/reactivity";
import { notices } from "./notices.svelte";
import { pictures } from "./pictures.svelte";
import { session } from "./session.svelte";

const PAGE = 100;

class Jobs {
  /** Those that are known, by id. */
  byId = new SvelteMap<string, Job>();
  loaded = $state(false);
  /** The newest first. */
  list = $derived([...this.byId.values()].sort((a, b) => b.created.localeCompare(a.created)));
  /** Those that have not ended. */
  running = $derived(this.list.filter((job) => !hasEnded(job)));

  #following = false;
  /** Where the next page begins, by the states that are asked for; null at the end. */
  #next = new SvelteMap<string, string | null>();

  /** Ask for the newest, then follow what becomes of them for as long as the page is open. */
  async follow(): Promise<void> {
    if (this.#following) return;
    this.#following = true;
    for (;;) {
      try {
        await this.refresh();
        await session.ask(async (client) => {
          for await (const job of client.jobs.allEvents({ onReconnect: () => void this.refresh() })) {
            session.reachable = true;
            this.put(job);
          }
        });
      } catch {
        // The service is away; the page says so, and looks again.
        session.reachable = false;
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    }
  }

  /** Ask for the newest. */
  async refresh(): Promise<void> {
    // More than a page may have come since they were asked for last: older ones are asked for again.
    this.#next.clear();
    await this.#page([]);
    this.loaded = true;
  }

  /** Whether there may be older ones in these states; in any, where none is named. */
  older(states: readonly JobState[]): boolean {
    return this.#next.get(states.join()) !== null;
  }

  /** Ask for the next page of those in these states; false where that failed, which is told. */
  async more(states: readonly JobState[]): Promise<boolean> {
    try {
      await this.#page(states);
      return true;
    } catch (error) {
      notices.fail(error);
      return false;
    }
  }

  async #page(states: readonly JobState[]): Promise<void> {
    const after = this.#next.get(states.join());
    if (after === null) return;
    const given = after === undefined ? {} : { after };
    const page = await session.ask((client) => client.jobs.list({ state: states, most: PAGE, ...given }));
    for (const job of page.items) this.put(job);
    this.#next.set(states.join(), page.next);
  }

  /** Take a job as it is now. */
  put(job: Job): void {
    const before = this.byId.get(job.id);
    // Answers may overtake each other; an older one tells nothing. Lists leave the report out.
    if (before !== undefined && hasEnded(before) && !hasEnded(job) && before.attempts >= job.attempts) {
      if (!(job.state === "pending" && before.state !== "completed")) return;
    }
    this.byId.set(job.id, { ...job, report: job.report ?? (hasEnded(job) ? (before?.report ?? null) : null) });
    const became = before !== undefined && before.state !== job.state && job.state === "completed";
    if (became && job.image_id !== null) void pictures.touch(job.image_id);
  }

  /** Ask for a job with its report. */
  async look(id: string): Promise<Job> {
    const job = await session.ask((client) => client.jobs.get(id));
    this.byId.set(id, job);
    return job;
  }

  /** Stop a job. */
  async cancel(id: string): Promise<void> {
    this.put(await session.ask((client) => client.jobs.cancel(id)));
  }

  /** Have a job done again. */
  async retry(id: string): Promise<void> {
    const job = await session.ask((client) => client.jobs.retry(id));
    this.byId.set(id, job);
  }
}

/** The jobs of the service. */
export const jobs = new Jobs();
