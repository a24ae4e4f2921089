/** Errors: typed, with a code and a cure; keys; what is tried again. */
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";

import {
  DarkroomAborted,
  DarkroomClient,
  DarkroomConnectionError,
  DarkroomError,
  hasCode,
  isDarkroomError,
  mayPass,
} from "../src/index.js";
import { sample } from "./support/samples.js";
import { Home, type Service } from "./support/service.js";

const client = new DarkroomClient({ baseUrl: inject("url") });

async function errorOf(asked: Promise<unknown>): Promise<DarkroomError> {
  const error: unknown = await asked.then(
    () => new Error("it succeeded"),
    (cause: unknown) => cause,
  );
  if (!isDarkroomError(error)) throw error;
  return error;
}

test("what the service says is all in the error", async () => {
  const error = await errorOf(client.images.get("0".repeat(32)));
  expect(error).toBeInstanceOf(DarkroomError);
  expect(error).toMatchObject({ code: "image_not_found", status: 404, name: "DarkroomError" });
  expect(error.detail).toBe(error.message);
  expect(error.message).toContain("0".repeat(32));
  expect(error.requestId).toMatch(/^[0-9a-f]{32}$/);
  expect(hasCode(error, "job_not_found", "image_not_found")).toBe(true);
  expect(hasCode(error, "job_not_found")).toBe(false);
  expect(hasCode(new Error("another"), "job_not_found")).toBe(false);
  expect(mayPass(error)).toBe(false);
});

test("an unknown operation names the field, and the cure", async () => {
  const { images } = await client.images.upload(await sample("logo.png"));
  const id = images[0]?.id ?? "";
  const error = await errorOf(client.images.process(id, { operations: ["sharpen:much=1"] }));
  expect(error.status).toBe(422);
  expect(hasCode(error, "unknown_operation", "invalid_parameters")).toBe(true);
  const wrong = await errorOf(client.images.process(id, { operations: [{ type: "resize", width: -1 }] }));
  expect(wrong).toMatchObject({ code: "invalid_parameters", step: 0, field: "width", cure: expect.any(String) });
  await client.images.remove(id);
});

test("a service that is not there", async () => {
  const nobody = new DarkroomClient({ baseUrl: "http://127.0.0.1:9" });
  const error = await errorOf(nobody.health());
  expect(error).toBeInstanceOf(DarkroomConnectionError);
  expect(error).toMatchObject({ code: "connection", status: 0, cure: expect.stringContaining("darkroom serve") });
  expect(mayPass(error)).toBe(true);
  await expect(nobody.jobs.events("0".repeat(32)).next()).rejects.toBeInstanceOf(DarkroomConnectionError);
});

test("a call that is ended", async () => {
  const error = await errorOf(client.operations({ signal: AbortSignal.abort() }));
  expect(error).toBeInstanceOf(DarkroomAborted);
  expect(error.name).toBe("AbortError");
});

describe("a service that wants a key", () => {
  let home: Home;
  let service: Service;
  let key = "";

  beforeAll(async () => {
    home = await Home.make({ DARKROOM_SERVER__REQUIRE_KEY: "true", DARKROOM_SERVER__REQUESTS_PER_MINUTE: "40" });
    key = (JSON.parse(await home.darkroom("keys", "create", "tests", "--json")) as { key: string }).key;
    service = await home.serve();
  });

  afterAll(async () => {
    await service.stop();
    await home.remove();
  });

  test("refuses who has none, or a wrong one", async () => {
    for (const apiKey of [undefined, `dk_${"x".repeat(43)}`]) {
      const error = await errorOf(new DarkroomClient({ baseUrl: service.url, apiKey }).operations());
      expect(error).toMatchObject({ code: "not_authenticated", status: 401 });
    }
  });

  test("says so to who follows events too, at once", async () => {
    const events = new DarkroomClient({ baseUrl: service.url }).models.events();
    await expect(events.next()).rejects.toMatchObject({ code: "not_authenticated" });
  });

  test("does everything for who has one: uploads, events, thumbnails", async () => {
    const known = new DarkroomClient({ baseUrl: service.url, apiKey: key });
    const { images } = await known.images.upload(await sample("logo.png"), { onProgress: () => undefined });
    const id = images[0]?.id ?? "";
    const job = await known.images.process(id, { operations: ["resize:width=8"] });
    expect((await known.jobs.wait(job.id)).result?.width).toBe(8);
    expect((await known.images.thumbnail(id, { size: 16 })).size).toBeGreaterThan(0);
  });

  test("refuses what the key's scope does not have", async () => {
    const known = new DarkroomClient({ baseUrl: service.url, apiKey: key });
    expect(await errorOf(known.settings.change({ strict: true }))).toMatchObject({ code: "not_allowed", status: 403 });
  });

  test("is told too much at once, and says how long to wait", async () => {
    const known = new DarkroomClient({ baseUrl: service.url, apiKey: key, retries: 0 });
    let error: DarkroomError | undefined;
    for (let asked = 0; asked < 60 && error === undefined; asked++) {
      await known.operations().catch((cause: unknown) => (error = cause as DarkroomError));
    }
    expect(error).toMatchObject({ code: "too_many_requests", status: 429 });
    expect(error?.retryAfter).toBeGreaterThan(0);
  });
});

describe("what may pass", () => {
  // What a proxy in front of the service answers while that is busy: the service cannot be told to.
  async function busy(times: number): Promise<{ url: string; asked: string[]; close: () => void }> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.method ?? "");
      if (asked.length <= times) response.writeHead(503, { "Retry-After": "0" }).end();
      else response.writeHead(200, { "Content-Type": "application/json" }).end("[]");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close: () => server.close() };
  }

  test("is tried again where that does no harm", async () => {
    const proxy = await busy(2);
    expect(await new DarkroomClient({ baseUrl: proxy.url }).operations()).toEqual([]);
    expect(proxy.asked).toEqual(["GET", "GET", "GET"]);
    proxy.close();
  });

  test("but not for ever", async () => {
    const proxy = await busy(9);
    const error = await errorOf(new DarkroomClient({ baseUrl: proxy.url, retries: 1 }).operations());
    expect(error).toMatchObject({ status: 503, code: "not_understood", retryAfter: 0 });
    expect(proxy.asked).toHaveLength(2);
    proxy.close();
  });

  test("a job is submitted twice only where a key makes them one", async () => {
    const proxy = await busy(1);
    const asking = new DarkroomClient({ baseUrl: proxy.url });
    expect(mayPass(await errorOf(asking.images.process("0".repeat(32), { recipe: "web-small" })))).toBe(true);
    expect(proxy.asked).toHaveLength(1);
    proxy.close();
    const other = await busy(1);
    const keyed = new DarkroomClient({ baseUrl: other.url });
    await keyed.images.process("0".repeat(32), { recipe: "web-small" }, { idempotencyKey: "one" });
    expect(other.asked).toHaveLength(2);
    other.close();
  });
});
