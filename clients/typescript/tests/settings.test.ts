/** Where pictures are worked on: kept by the service, over restarts; shown at once, put back where it is refused. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";

import { DarkroomClient } from "../src/index.js";
import { createMediaProcessingSettings, type MediaProcessingState } from "../src/settings/index.js";
import { Home, type Service } from "./support/service.js";

const KEY = { DARKROOM_PROVIDERS__OPENAI_IMAGES__API_KEY: "a-key-of-nobody" };

class Memory {
  readonly texts = new Map<string, string>();

  getItem(name: string): string | null {
    return this.texts.get(name) ?? null;
  }

  setItem(name: string, text: string): void {
    this.texts.set(name, text);
  }
}

let home: Home;
let service: Service;

beforeAll(async () => {
  home = await Home.make(KEY);
  service = await home.serve();
});

afterAll(async () => {
  await service.stop();
  await home.remove();
});

test("until the service was asked, the private defaults count", async () => {
  const settings = createMediaProcessingSettings({ baseUrl: service.url, storage: new Memory() });
  expect(settings.get()).toMatchObject({
    preferLocal: true,
    fallbackToCloud: false,
    consent: false,
    status: "unknown",
  });
  await settings.load();
  expect(settings.get()).toMatchObject({
    preferLocal: true,
    fallbackToCloud: false,
    status: "ready",
    canFallBack: true,
  });
});

test("a change shows at once, and outlives a restart of the service", async () => {
  const storage = new Memory();
  const settings = createMediaProcessingSettings({ baseUrl: service.url, storage });
  await settings.load();
  const seen: MediaProcessingState[] = [];
  const end = settings.subscribe((state) => seen.push(state));
  const kept = settings.setFallbackToCloud(true);
  expect(seen.at(-1)).toMatchObject({ fallbackToCloud: true, status: "saving" });
  await kept;
  expect(seen.at(-1)).toMatchObject({ fallbackToCloud: true, status: "ready" });
  end();

  const { port } = service;
  await service.stop();
  service = await home.serve(port);
  const client = new DarkroomClient({ baseUrl: service.url });
  expect((await client.settings.get()).settings["providers.cloud_fallback"]?.value).toBe(true);

  // The copy is there before the service is asked.
  const again = createMediaProcessingSettings({ baseUrl: service.url, storage });
  expect(again.get()).toMatchObject({ fallbackToCloud: true, status: "unknown" });
  await again.load();
  expect(again.get().fallbackToCloud).toBe(true);
  expect(seen).toHaveLength(3);
});

test("without this machine there is nothing to fall back from", async () => {
  const settings = createMediaProcessingSettings({ baseUrl: service.url, storage: new Memory() });
  await settings.load();
  await settings.save({ preferLocal: true, fallbackToCloud: false });
  await settings.setPreferLocal(false);
  expect(settings.get()).toMatchObject({ canFallBack: false, fallbackReason: { code: "local_off" } });
  await expect(settings.setFallbackToCloud(true)).rejects.toMatchObject({
    code: "invalid_parameters",
    field: "providers.cloud_fallback",
  });
  expect(settings.get()).toMatchObject({ fallbackToCloud: false, status: "failed", error: { status: 422 } });
  await settings.setPreferLocal(true);
  expect(settings.get()).toMatchObject({ canFallBack: true, fallbackReason: null, error: null });
});

test("changes that are made at once are kept in their order", async () => {
  const settings = createMediaProcessingSettings({ baseUrl: service.url, storage: new Memory() });
  await settings.load();
  await Promise.all([settings.setPreferLocal(false), settings.setPreferLocal(true), settings.setConsent(true)]);
  expect(settings.get()).toMatchObject({ preferLocal: true, consent: true, status: "ready" });
  const again = createMediaProcessingSettings({ baseUrl: service.url, storage: new Memory() });
  expect(await again.load()).toMatchObject({ preferLocal: true, consent: true });
  await again.setConsent(false);
});

test("a service that is not there puts a change back", async () => {
  const settings = createMediaProcessingSettings({ baseUrl: "http://127.0.0.1:9", storage: new Memory() });
  await expect(settings.load()).rejects.toMatchObject({ code: "connection" });
  const change = settings.setPreferLocal(false);
  expect(settings.get().preferLocal).toBe(false);
  await expect(change).rejects.toMatchObject({ code: "connection" });
  expect(settings.get()).toMatchObject({ preferLocal: true, status: "failed", error: { code: "connection" } });
});

test("a copy that is damaged is no copy", () => {
  for (const text of ["{", "3", '{"preferLocal": "no"}']) {
    const storage = new Memory();
    storage.setItem("darkroom:media-processing:http://127.0.0.1:8765", text);
    expect(createMediaProcessingSettings({ storage }).get().preferLocal).toBe(true);
  }
});

test("what the environment says is locked, and why", async () => {
  const other = await Home.make({ DARKROOM_PROVIDERS__LOCAL_FIRST: "true" });
  const locked = await other.serve();
  onTestFinished(async () => {
    await locked.stop();
    await other.remove();
  });
  const settings = createMediaProcessingSettings({ baseUrl: locked.url, storage: new Memory() });
  const { locks, canFallBack, fallbackReason } = await settings.load();
  expect(locks.preferLocal).toMatchObject({ code: "environment", text: expect.stringContaining("LOCAL_FIRST") });
  expect({ canFallBack, code: fallbackReason?.code }).toEqual({ canFallBack: false, code: "no_cloud_key" });
});
