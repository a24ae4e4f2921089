/** Jobs and batches: submitted, followed, waited for, stopped, done again. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

import { type BatchEvent, DarkroomClient, DarkroomJobError, hasCode, hasEnded, type Job } from "../src/index.js";
import { sample, sizeOfPng } from "./support/samples.js";

const client = new DarkroomClient({ baseUrl: inject("url") });
const small = { operations: ["resize:width=32"] };
const outside = { operations: [{ type: "crop" as const, left: 5000, top: 5000, width: 10, height: 10 }] };
let id = "";

beforeAll(async () => {
  const { images } = await client.images.upload(await sample("logo.png"));
  id = images[0]?.id ?? "";
});

afterAll(async () => {
  await client.images.remove(id);
});

describe("a job", () => {
  test("is followed to its end, and its result is there", async () => {
    const job = await client.images.process(id, { ...small, output: { format: "png" } });
    expect(job.image_id).toBe(id);
    const seen: Job[] = [];
    for await (const now of client.jobs.events(job.id)) seen.push(now);
    expect(seen.at(-1)?.state).toBe("completed");
    expect(seen.filter(hasEnded)).toHaveLength(1);
    expect((await sizeOfPng(await client.jobs.result(job.id)))[0]).toBe(32);
  });

  test("that is waited for has its report and result", async () => {
    const submitted = await client.images.process(id, small);
    const told: Job[] = [];
    const job = await client.jobs.wait(submitted.id, { onProgress: (now) => told.push(now) });
    expect(told.at(-1)?.progress).toBe(1);
    expect(job.report?.steps[0]?.operation).toBe("resize");
    expect(job.result?.width).toBe(32);
  });

  test("that fails says why and what to do", async () => {
    const { id: failing } = await client.images.process(id, outside);
    const error: unknown = await client.jobs.wait(failing).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(DarkroomJobError);
    if (!(error instanceof DarkroomJobError)) return;
    expect(error.job.state).toBe("failed");
    expect(hasCode(error, "invalid_parameters")).toBe(true);
    expect(error.message).toContain("crop");
    const again = await client.jobs.retry(failing);
    expect(again.id).toBe(failing);
    await expect(client.jobs.wait(failing)).rejects.toBeInstanceOf(DarkroomJobError);
    expect(
      (await client.jobs.list({ state: ["failed", "cancelled"], imageId: id })).items.map((job) => job.id),
    ).toContain(failing);
  });

  test("is the same one for the same key", async () => {
    const idempotencyKey = crypto.randomUUID();
    const first = await client.images.process(id, small, { idempotencyKey });
    const second = await client.images.process(id, small, { idempotencyKey });
    expect(second.id).toBe(first.id);
    const other = client.images.process(id, { operations: ["resize:width=33"] }, { idempotencyKey });
    await expect(other).rejects.toMatchObject({ code: "conflict", status: 409, field: "Idempotency-Key" });
  });

  test("that has ended has nothing to cancel, and its result stays", async () => {
    const { id: done } = await client.images.process(id, small);
    await client.jobs.wait(done);
    expect((await client.jobs.cancel(done)).state).toBe("completed");
  });

  test("is no more waited for once the signal says so", async () => {
    const { id: waiting } = await client.images.process(id, small);
    const signal = AbortSignal.abort();
    await expect(client.jobs.wait(waiting, { signal })).rejects.toMatchObject({ code: "aborted" });
  });

  test("is seen among all jobs as it happens", async () => {
    const stop = new AbortController();
    const events = client.jobs.allEvents({ signal: stop.signal });
    const ours = (async () => {
      for await (const job of events) if (job.image_id === id && hasEnded(job)) return job;
      return undefined;
    })();
    // Followed from now on only: what is submitted until the first is heard may come before that.
    let heard = false;
    void ours.then(() => (heard = true));
    while (!heard) {
      await client.jobs.wait((await client.images.process(id, { operations: ["resize:width=31"] })).id);
    }
    expect((await ours)?.state).toBe("completed");
    stop.abort();
  });
});

describe("a batch", () => {
  test("tells of every job and comes as one archive", async () => {
    const batch = await client.images.batch([id, { image_id: id, version: 0 }], small);
    expect(batch.total).toBe(2);
    const events: BatchEvent[] = [];
    const done = await client.batches.wait(batch.id, { onProgress: (event) => events.push(event) });
    expect(done.counts["completed"]).toBe(2);
    expect(new Set(events.map((event) => event.type))).toContain("batch");
    const zip = await client.batches.archive(batch.id);
    expect(zip.type).toBe("application/zip");
    expect(Buffer.from(await zip.slice(0, 2).arrayBuffer()).toString()).toBe("PK");
    expect(client.batches.archiveUrl(batch.id)).toBe(`${inject("url")}/api/v1/batches/${batch.id}/archive`);
    const jobs = await client.jobs.list({ batchId: batch.id });
    expect(jobs.items).toHaveLength(2);
    expect((await client.batches.list({ most: 1 })).items[0]?.id).toBe(batch.id);
  });

  test("is stopped as a whole", async () => {
    const slow = { operations: ["upscale:scale=4", "rotate:angle=7"] };
    const batch = await client.images.batch(
      Array.from({ length: 12 }, () => id),
      slow,
    );
    await client.batches.cancel(batch.id);
    const done = await client.batches.wait(batch.id);
    expect(done.done).toBe(true);
    expect(done.counts["cancelled"]).toBeGreaterThan(0);
  });
});
