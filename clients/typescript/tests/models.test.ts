/** Models from a mirror: downloaded with progress, stopped, gone on with, removed, brought as a file. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { DarkroomClient, LocalMediaProcessor, type ModelDownload } from "../src/index.js";
import { catalogue, Mirror, mirrored } from "./support/mirror.js";
import { Home, type Service } from "./support/service.js";

const NAMES = ["quick", "slow", "watched", "absent", "brought"];
const BYTES = Buffer.alloc(400_000, 7);

let mirror: Mirror;
let home: Home;
let service: Service;
let client: DarkroomClient;

beforeAll(async () => {
  mirror = await Mirror.serving({ "quick.onnx": BYTES, "slow.onnx": BYTES, "watched.onnx": BYTES });
  home = await Home.make(mirrored(mirror), catalogue(NAMES, { brought: BYTES }));
  service = await home.serve();
  client = new DarkroomClient({ baseUrl: service.url });
});

afterEach(() => {
  mirror.release();
});

afterAll(async () => {
  await service.stop();
  await home.remove();
  await mirror.close();
});

async function stateOf(name: string): Promise<string | undefined> {
  return (await client.models.status()).models.find((model) => model.name === name)?.state;
}

test("a download tells how far it is, and is done when the model is here", async () => {
  const told: ModelDownload[] = [];
  const processor = new LocalMediaProcessor({ baseUrl: service.url });
  let allowed = BYTES.length / 10;
  mirror.allow(allowed);
  const done = await processor.downloadModel("quick", (download) => {
    told.push(download);
    if (download.progress > 0) mirror.allow((allowed += BYTES.length / 10));
  });
  expect(done.state).toBe("here");
  const between = told.filter((one) => one.progress > 0 && one.progress < 1);
  expect(between.length).toBeGreaterThan(3);
  expect(told.every((one) => one.name === "quick")).toBe(true);
  expect(await stateOf("quick")).toBe("here");
  // It is here: there is nothing to do, and nobody is asked.
  const before = mirror.requests.length;
  expect((await processor.downloadModel("quick")).state).toBe("here");
  expect(mirror.requests).toHaveLength(before);
  // With its files goes the entry, as it is the user's own.
  await client.models.remove("quick");
  expect(await stateOf("quick")).toBeUndefined();
});

test("ending the call stops the download, and the next one goes on from there", async () => {
  mirror.allow(BYTES.length / 4);
  const stop = new AbortController();
  const download = client.models.download("slow", {
    signal: stop.signal,
    onProgress: ({ progress }) => {
      if (progress > 0.1) stop.abort();
    },
  });
  await expect(download).rejects.toMatchObject({ code: "aborted" });
  mirror.release();
  expect((await client.models.download("slow")).state).toBe("here");
  const asked = mirror.requests.filter((one) => one.path === "/slow.onnx");
  expect(asked[0]?.from).toBe(0);
  expect(asked.at(-1)?.from).toBeGreaterThan(0);
});

test("who waits is told when somebody else stops it", async () => {
  mirror.allow(BYTES.length / 4);
  const download = client.models.download("watched", {
    onProgress: ({ progress }) => {
      if (progress > 0) void client.models.cancel("watched");
    },
  });
  await expect(download).rejects.toMatchObject({ code: "cancelled", cure: expect.any(String) });
});

test("a failure has the service's code and cure", async () => {
  const download = client.models.download("absent");
  await expect(download).rejects.toMatchObject({ code: "download_failed", message: expect.stringContaining("404") });
  expect(await stateOf("absent")).toBe("failed");
  await expect(client.models.download("nobody-knows-it")).rejects.toMatchObject({ code: "unknown_model", status: 404 });
});

test("a model may be brought as a file, with progress", async () => {
  let sent = 0;
  const file = { name: "brought.onnx", data: BYTES };
  const status = await client.models.import(file, { onProgress: ({ fraction }) => (sent = fraction) });
  expect(sent).toBe(1);
  expect(status.models.find((model) => model.name === "brought")?.state).toBe("here");
});
