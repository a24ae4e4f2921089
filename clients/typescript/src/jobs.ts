import { answer, given } from "./answers.js";
import { DarkroomJobError } from "./errors.js";
import { follow, type FollowOptions } from "./events.js";
import { type Listing, listing } from "./pages.js";
import type { Transport } from "./transport.js";
import type { Batch, CallOptions, Job, JobState } from "./types.js";

/** States in which a job has ended. */
export const ENDED: readonly JobState[] = ["completed", "failed", "cancelled", "quarantined"];

/** Whether a job has ended, well or not. */
export function hasEnded(job: Job): boolean {
  return ENDED.includes(job.state);
}

/** What happened in a batch: one of its jobs changed, or its counts did. */
export type BatchEvent = { type: "job"; job: Job } | { type: "batch"; batch: Batch };

/** Jobs: one picture's work each. */
export class Jobs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Jobs, the newest first, without their reports: `await` gives a page, `for await` all of them. */
  list(
    options: CallOptions & {
      /** Only those in this state, or in one of these. */
      state?: JobState | readonly JobState[];
      batchId?: string;
      imageId?: string;
      most?: number;
      after?: string;
    } = {},
  ): Listing<Job> {
    const { batchId, imageId, most, signal } = options;
    const state = options.state === undefined ? undefined : [options.state].flat();
    return listing(async (after) => {
      const query = given({ state, batch_id: batchId, image_id: imageId, most, after });
      return answer(this.#transport.api.GET("/api/v1/jobs", { params: { query }, signal: signal ?? null }));
    }, options.after);
  }

  /** A job: its state, how far it is, its report and result once it is completed. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Job> {
    const params = { path: { job_id: id } };
    return answer(this.#transport.api.GET("/api/v1/jobs/{job_id}", { params, signal: signal ?? null }));
  }

  /** Stop a job; one that has ended stays as it is. */
  async cancel(id: string, { signal }: CallOptions = {}): Promise<Job> {
    const options = { params: { path: { job_id: id } }, signal: signal ?? null, ...this.#transport.repeatable };
    return answer(this.#transport.api.POST("/api/v1/jobs/{job_id}/cancel", options));
  }

  /** Have a job done again that failed, was cancelled or quarantined. */
  async retry(id: string, { signal }: CallOptions = {}): Promise<Job> {
    const options = { params: { path: { job_id: id } }, signal: signal ?? null };
    return answer(this.#transport.api.POST("/api/v1/jobs/{job_id}/retry", options));
  }

  /** The file that came of a job. */
  async result(id: string, options: CallOptions = {}): Promise<Blob> {
    const response = await this.openResult(id, options);
    return response.blob().catch((cause: unknown) => {
      throw this.#transport.failure(cause, options.signal);
    });
  }

  /** The answer with that file, to read it as a stream, or for the name that the service gives it. */
  async openResult(id: string, { signal }: CallOptions = {}): Promise<Response> {
    return this.#transport.send(`/api/v1/jobs/${id}/result`, { signal });
  }

  /**
   * A job as it is now and whenever it changes; ends with the job.
   *
   * Lost connections are made again; leaving the loop closes them.
   */
  async *events(id: string, options: FollowOptions = {}): AsyncGenerator<Job, void, void> {
    const path = `/api/v1/jobs/${id}/events`;
    for await (const { event, data } of follow(this.#transport, path, options)) {
      if (event !== "job") continue;
      const job = JSON.parse(data) as Job;
      yield job;
      if (hasEnded(job)) return;
    }
  }

  /** What becomes of all your jobs from now on; after a lost connection, `onReconnect` says to look again. */
  async *allEvents(options: FollowOptions = {}): AsyncGenerator<Job, void, void> {
    for await (const { event, data } of follow(this.#transport, "/api/v1/jobs/events", options)) {
      if (event === "job") yield JSON.parse(data) as Job;
    }
  }

  /**
   * Wait until a job is completed, and give it with its report and result.
   *
   * @throws DarkroomJobError where it failed, was cancelled or quarantined.
   */
  async wait(id: string, options: FollowOptions & { onProgress?: (job: Job) => void } = {}): Promise<Job> {
    for await (const job of this.events(id, options)) options.onProgress?.(job);
    const job = await this.get(id, options);
    if (job.state !== "completed") throw new DarkroomJobError(job);
    return job;
  }
}

/** Batches: several jobs that belong together. */
export class Batches {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Batches, the newest first: `await` gives a page, `for await` all of them. */
  list(options: CallOptions & { most?: number; after?: string } = {}): Listing<Batch> {
    const { most, signal } = options;
    return listing(async (after) => {
      const query = given({ most, after });
      return answer(this.#transport.api.GET("/api/v1/batches", { params: { query }, signal: signal ?? null }));
    }, options.after);
  }

  /** A batch: how many of its jobs are in which state. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Batch> {
    const params = { path: { batch_id: id } };
    return answer(this.#transport.api.GET("/api/v1/batches/{batch_id}", { params, signal: signal ?? null }));
  }

  /** Stop every job of a batch that has not ended. */
  async cancel(id: string, { signal }: CallOptions = {}): Promise<Batch> {
    const options = { params: { path: { batch_id: id } }, signal: signal ?? null, ...this.#transport.repeatable };
    return answer(this.#transport.api.POST("/api/v1/batches/{batch_id}/cancel", options));
  }

  /** All results of a batch in one ZIP, with a list of what each came of. */
  async archive(id: string, options: CallOptions = {}): Promise<Blob> {
    const response = await this.openArchive(id, options);
    return response.blob().catch((cause: unknown) => {
      throw this.#transport.failure(cause, options.signal);
    });
  }

  /** The answer with that ZIP, to read it as a stream. */
  async openArchive(id: string, { signal }: CallOptions = {}): Promise<Response> {
    return this.#transport.send(this.archivePath(id), { signal });
  }

  /** Address of that ZIP, for a link; a service that wants a key does not give it by that alone. */
  archiveUrl(id: string): string {
    return this.#transport.baseUrl + this.archivePath(id);
  }

  /** Each job that changes, and the batch whenever one has ended; ends with the last job. */
  async *events(id: string, options: FollowOptions = {}): AsyncGenerator<BatchEvent, void, void> {
    const path = `/api/v1/batches/${id}/events`;
    for await (const { event, data } of follow(this.#transport, path, options)) {
      if (event === "job") yield { type: "job", job: JSON.parse(data) as Job };
      if (event !== "batch") continue;
      const batch = JSON.parse(data) as Batch;
      yield { type: "batch", batch };
      if (batch.done) return;
    }
  }

  /** Wait until every job of a batch has ended; its counts say how. */
  async wait(id: string, options: FollowOptions & { onProgress?: (event: BatchEvent) => void } = {}): Promise<Batch> {
    for await (const event of this.events(id, options)) options.onProgress?.(event);
    return this.get(id, options);
  }

  private archivePath(id: string): string {
    return `/api/v1/batches/${id}/archive`;
  }
}
