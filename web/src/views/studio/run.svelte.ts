import { hasEnded, type Job, type Report, type Version } from "@darkroom/client";
import { jobs } from "../../lib/state/jobs.svelte";
import { session } from "../../lib/state/session.svelte";
import { steps } from "../../lib/state/steps.svelte";
import { type Trouble, troubleOf, troubleOfFault } from "../../lib/trouble";
import type { Opened } from "./opened.svelte";

/** The steps as a job, and what it made. */
export class Run {
  /** The version that is the result; null once the steps have changed. */
  made = $state.raw<Version | null>(null);
  trouble = $state<Trouble | null>(null);

  #id = $state<string | null>(null);
  job = $derived<Job | null>(this.#id === null ? null : (jobs.byId.get(this.#id) ?? null));
  running = $derived(this.job !== null && !hasEnded(this.job));
  /** Whether there is something to do, and all is said that it takes. */
  can = $derived.by(
    () =>
      this.#opened.base !== null &&
      !this.running &&
      steps.complete.length === steps.active.length &&
      (steps.active.length > 0 || steps.output.format != null),
  );

  #gone = $state<string | null>(null);
  #opened: Opened;

  constructor(opened: Opened) {
    this.#opened = opened;
  }

  /** How a version was made: undefined until that is here, null where its job is gone. */
  receiptOf(version: Version | null): Report | null | undefined {
    const id = version?.job_id ?? null;
    if (id === null) return null;
    return jobs.byId.get(id)?.report ?? (this.#gone === id ? null : undefined);
  }

  /** Ask how a version was made, where that is not known. */
  async look(version: Version | null): Promise<void> {
    const id = version?.job_id ?? null;
    if (id === null || this.receiptOf(version) !== undefined) return;
    try {
      await jobs.look(id);
    } catch {
      this.#gone = id;
    }
  }

  /** Forget what was made, and what went wrong. */
  clear(): void {
    this.#id = this.made = this.trouble = null;
  }

  async start(): Promise<void> {
    if (!this.can) return;
    this.trouble = null;
    const work = { operations: steps.operations(), output: $state.snapshot(steps.output) };
    try {
      const job = await session.ask((client) => client.images.process(this.#opened.source, work));
      jobs.put(job);
      this.#id = job.id;
    } catch (error) {
      this.trouble = troubleOf(error);
    }
  }

  /** Take what has become of the job that has ended. Gives whether it made something. */
  async end(job: Job): Promise<boolean> {
    if (job.state !== "completed") {
      if (job.error !== null) this.trouble = troubleOfFault(job.error);
      return false;
    }
    try {
      this.made = await this.#opened.madeBy(job.id);
      return this.made !== null;
    } catch (error) {
      this.trouble = troubleOf(error);
      return false;
    }
  }
}
