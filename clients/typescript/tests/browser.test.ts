// @vitest-environment happy-dom
/** In a browser: uploads by XMLHttpRequest, settings in localStorage. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { beforeEach, expect, inject, test } from "vitest";

import { DarkroomClient } from "../src/index.js";
import { createMediaProcessingSettings } from "../src/settings/index.js";

const url = inject("url");

beforeEach(() => {
  // As a page of the service itself.
  (window as unknown as { happyDOM: { setURL(url: string): void } }).happyDOM.setURL(`${url}/`);
  localStorage.clear();
});

async function logo(): Promise<File> {
  const bytes = await readFile(join(import.meta.dirname, "../../../samples/logo.png"));
  return new File([bytes], "logo.png", { type: "image/png" });
}

test("an upload goes by XMLHttpRequest where progress is wanted", async () => {
  const client = new DarkroomClient({ baseUrl: url });
  const { images } = await client.images.upload(await logo(), { storeId: "shop-2", onProgress: () => undefined });
  expect(images[0]).toMatchObject({ name: "logo.png", store_id: "shop-2" });
  const kept = await client.images.download(images[0]?.id ?? "");
  expect(kept.size).toBe((await logo()).size);
});

test("its errors are the same as others", async () => {
  const client = new DarkroomClient({ baseUrl: url });
  const broken = new File(["nothing"], "notes.png", { type: "image/png" });
  await expect(client.images.upload(broken, { onProgress: () => undefined })).rejects.toMatchObject({
    name: "DarkroomError",
    cure: expect.any(String),
  });
});

test("it ends when its signal says so", async () => {
  const client = new DarkroomClient({ baseUrl: url });
  const signal = AbortSignal.abort();
  const upload = client.images.upload(await logo(), { signal, onProgress: () => undefined });
  await expect(upload).rejects.toMatchObject({ code: "aborted" });
});

test("settings are kept in localStorage", async () => {
  const settings = createMediaProcessingSettings({ baseUrl: url });
  await settings.load();
  expect(JSON.parse(localStorage.getItem(`darkroom:media-processing:${url}`) ?? "")).toEqual({
    preferLocal: true,
    fallbackToCloud: false,
    consent: false,
  });
});
