/** Downloads of an Electron app: a queue in the main process, steered from windows. */
import { EventEmitter } from "node:events";

import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { DarkroomClient } from "../src/index.js";
import { modelDownloadsBridge } from "../src/electron/preload.js";
import {
  exposeModelDownloads,
  type InvokeEventLike,
  ModelDownloader,
  type QueuedDownload,
} from "../src/electron/index.js";
import { catalogue, Mirror, mirrored } from "./support/mirror.js";
import { Home, type Service } from "./support/service.js";

const NAMES = ["one", "two", "three", "four", "five", "absent"];
const BYTES = Buffer.alloc(200_000, 3);

let mirror: Mirror;
let home: Home;
let service: Service;
let downloader: ModelDownloader;

beforeAll(async () => {
  mirror = await Mirror.serving(Object.fromEntries(NAMES.slice(0, 5).map((name) => [`${name}.onnx`, BYTES])));
  home = await Home.make(mirrored(mirror), catalogue(NAMES));
  service = await home.serve();
  downloader = new ModelDownloader({ baseUrl: service.url });
});

afterEach(() => {
  mirror.release();
});

afterAll(async () => {
  await service.stop();
  await home.remove();
  await mirror.close();
});

function until(condition: (download: QueuedDownload) => boolean): Promise<QueuedDownload> {
  return new Promise((resolve) => {
    const ended = downloader.onChange((download) => {
      if (!condition(download)) return;
      ended();
      resolve(download);
    });
  });
}

test("models come one after the other, in the order in which they were asked for", async () => {
  const states: string[] = [];
  const ended = downloader.onChange(({ name, state }) => {
    const said = `${name} ${state}`;
    if (states.at(-1) !== said) states.push(said);
  });
  await downloader.ensure(["one", "two"]);
  ended();
  expect(states).toEqual(["one queued", "two queued", "one downloading", "one here", "two downloading", "two here"]);
  expect(downloader.downloads.map((download) => download.progress)).toEqual([1, 1]);
});

test("one that is paused is still waited for, and goes on from where it was", async () => {
  mirror.allow(50_000);
  const running = until(({ name, progress }) => name === "three" && progress > 0.1);
  const here = downloader.ensure(["three"]);
  await running;
  downloader.pause("three");
  expect(downloader.downloads.find((one) => one.name === "three")?.state).toBe("paused");
  // It is held here at once; the service hears of it a moment later.
  const { models } = new DarkroomClient({ baseUrl: service.url });
  await vi.waitFor(async () => {
    const known = (await models.status()).models.find((model) => model.name === "three");
    expect(known?.state).toBe("missing");
  });
  mirror.release();
  downloader.resume("three");
  await here;
  expect(mirror.requests.filter((one) => one.path === "/three.onnx").at(-1)?.from).toBeGreaterThan(0);
});

test("one that is cancelled is told to who waits", async () => {
  mirror.allow(50_000);
  const running = until(({ name, progress }) => name === "four" && progress > 0);
  const here = downloader.ensure(["four"]);
  const refused = expect(here).rejects.toMatchObject({ code: "cancelled" });
  await running;
  downloader.cancel("four");
  await refused;
});

test("one that fails says why, and the others go on", async () => {
  const both = downloader.ensure(["absent", "five"]);
  await expect(both).rejects.toMatchObject({ code: "download_failed" });
  const five = downloader.downloads.find((one) => one.name === "five");
  if (five?.state !== "here") await until(({ name, state }) => name === "five" && state === "here");
  expect(downloader.downloads.find((one) => one.name === "absent")?.problem?.cure).toEqual(expect.any(String));
});

// Electron is not here, so its two ends are: what is sent is copied as Electron copies it.
class Channels extends EventEmitter {
  readonly #handlers = new Map<string, (event: InvokeEventLike, ...values: unknown[]) => unknown>();
  readonly sender = {
    send: (channel: string, ...values: unknown[]): void => {
      this.emit(channel, {}, ...(structuredClone(values) as unknown[]));
    },
    isDestroyed: (): boolean => false,
  };

  handle(channel: string, listener: (event: InvokeEventLike, ...values: unknown[]) => unknown): void {
    this.#handlers.set(channel, listener);
  }

  removeHandler(channel: string): void {
    this.#handlers.delete(channel);
  }

  async invoke(channel: string, ...values: unknown[]): Promise<unknown> {
    const handler = this.#handlers.get(channel);
    if (handler === undefined) throw new Error(`No handler registered for '${channel}'`);
    return structuredClone(await handler({ sender: this.sender }, ...(structuredClone(values) as unknown[])));
  }
}

test("a window sees the downloads and steers them", async () => {
  const channels = new Channels();
  const end = exposeModelDownloads(channels, downloader);
  const bridge = modelDownloadsBridge(channels);
  const seen: QueuedDownload[] = [];
  const stop = bridge.onChange((download) => seen.push(download));
  await bridge.ensure(["one"]);
  expect(seen.at(-1)).toMatchObject({ name: "one", state: "here" });
  expect((await bridge.list()).map((download) => download.name)).toContain("one");
  await expect(bridge.ensure(["absent"])).rejects.toThrow(/\(download_failed\)$/);
  await expect(bridge.ensure("one" as never)).rejects.toThrow(/invalid_parameters/);
  stop();
  end();
  await expect(bridge.list()).rejects.toThrow("No handler");
});

test("a window that may not is refused", async () => {
  const channels = new Channels();
  const end = exposeModelDownloads(channels, downloader, { allows: () => false });
  await expect(modelDownloadsBridge(channels).list()).rejects.toThrow(/not_allowed/);
  end();
});
