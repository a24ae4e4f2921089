/** Server-sent events: read as the standard says, followed over restarts of the service. */
import { expect, onTestFinished, test } from "vitest";

import { DarkroomClient, type Job } from "../src/index.js";
import { readEvents, type ServerEvent } from "../src/events.js";
import { sample } from "./support/samples.js";
import { Home } from "./support/service.js";

async function read(...chunks: string[]): Promise<ServerEvent[]> {
  const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk));
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of bytes) controller.enqueue(chunk);
      controller.close();
    },
  });
  const events: ServerEvent[] = [];
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

test("events are read however they are cut, and whichever way lines end", async () => {
  const text = "event: job\ndata: one\ndata:two\n\n: still here\n\ndata: three\n\n";
  const expected = [
    { event: "job", data: "one\ntwo" },
    { event: "message", data: "three" },
  ];
  expect(await read(text)).toEqual(expected);
  expect(await read(...text)).toEqual(expected);
  const windows = text.replaceAll("\n", "\r\n");
  expect(await read(windows)).toEqual(expected);
  expect(await read(...windows)).toEqual(expected);
});

test("one that was cut off is no event", async () => {
  expect(await read("event: job\ndata: one\n")).toEqual([]);
});

test("what stands for itself is kept: colons, blanks, other alphabets", async () => {
  expect(await read("data:  a: b\nid: 7\nretry: 10\n\n")).toEqual([{ event: "message", data: " a: b" }]);
  const bytes = new TextEncoder().encode("data: città 図\n\n");
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  const first = await readEvents(body).next();
  expect(first.value).toEqual({ event: "message", data: "città 図" });
});

test("a job is followed over a restart of the service", async () => {
  const home = await Home.make();
  let service = await home.serve();
  onTestFinished(async () => {
    await service.stop();
    await home.remove();
  });
  const client = new DarkroomClient({ baseUrl: service.url });
  const { images } = await client.images.upload(await sample("mug.jpg"));
  const work = { operations: ["upscale:scale=4", "rotate:angle=7", "rotate:angle=9"] };
  const batch = await client.images.batch(
    Array.from({ length: 4 }, () => images[0]?.id ?? ""),
    work,
  );
  const jobs = await client.jobs.list({ batchId: batch.id });
  const last = jobs.items[0]?.id ?? "";
  let reconnected = 0;
  let heard: (() => void) | undefined;
  const first = new Promise<void>((resolve) => (heard = resolve));
  const followed = (async () => {
    const seen: Job[] = [];
    for await (const job of client.jobs.events(last, { onReconnect: () => (reconnected += 1) })) {
      seen.push(job);
      heard?.();
    }
    return seen;
  })();
  await first;
  const { port } = service;
  await service.stop("SIGKILL");
  service = await home.serve(port);
  // Whatever is left of it is not worth waiting for.
  await client.jobs.cancel(last);
  expect((await followed).at(-1)?.state).toMatch(/completed|cancelled/);
  expect(reconnected).toBeGreaterThan(0);
  await client.batches.cancel(batch.id);
});

test("leaving the loop closes the connection, and so does the signal", async () => {
  // Two requests at once are allowed: those that had stayed open would be in the way.
  const home = await Home.make({ DARKROOM_SERVER__CONCURRENT_REQUESTS: "2" });
  const service = await home.serve();
  onTestFinished(async () => {
    await service.stop();
    await home.remove();
  });
  const client = new DarkroomClient({ baseUrl: service.url, retries: 5 });
  const { images } = await client.images.upload(await sample("mug.jpg"));
  const work = { operations: ["upscale:scale=4", "rotate:angle=7", "rotate:angle=9"] };
  const { id } = await client.images.process(images[0]?.id ?? "", work);
  for (let round = 0; round < 4; round++) {
    for await (const job of client.jobs.events(id)) {
      expect(["pending", "processing"]).toContain(job.state);
      break;
    }
    const stop = new AbortController();
    const next = client.jobs.allEvents({ signal: stop.signal }).next();
    stop.abort();
    await expect(next).rejects.toMatchObject({ code: "aborted" });
  }
  expect((await client.jobs.cancel(id)).id).toBe(id);
});
