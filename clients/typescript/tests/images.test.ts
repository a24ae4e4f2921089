/** Pictures: stored with progress, listed, looked at, worked on. */
import { afterEach, describe, expect, inject, test } from "vitest";

import { DarkroomClient, type Progress } from "../src/index.js";
import { sample, sizeOfPng } from "./support/samples.js";

const client = new DarkroomClient({ baseUrl: inject("url") });
const made: string[] = [];

async function stored(name: Parameters<typeof sample>[0] = "logo.png"): Promise<string> {
  const { images } = await client.images.upload(await sample(name));
  const [picture] = images;
  if (picture === undefined) throw new Error("nothing was stored");
  made.push(picture.id);
  return picture.id;
}

afterEach(async () => {
  for (const id of made.splice(0)) await client.images.remove(id).catch(() => undefined);
});

describe("an upload", () => {
  test("tells how much has gone, up to all of it", async () => {
    const told: Progress[] = [];
    const files = [await sample("duck.jpg"), await sample("mug.jpg")];
    const { images, errors } = await client.images.upload(files, {
      storeId: "shop-1",
      productId: "shoe/1",
      onProgress: (progress) => told.push(progress),
    });
    made.push(...images.map((one) => one.id));
    expect(errors).toEqual([]);
    expect(images.map((one) => [one.name, one.store_id, one.product_id])).toEqual([
      ["duck.jpg", "shop-1", "shoe/1"],
      ["mug.jpg", "shop-1", "shoe/1"],
    ]);
    expect(told.length).toBeGreaterThan(4);
    expect(told.every((one, index) => one.loaded > (told[index - 1]?.loaded ?? 0))).toBe(true);
    expect(told.at(-1)?.fraction).toBe(1);
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    expect(told.at(-1)?.loaded).toBeGreaterThan(bytes);
  });

  test("arrives byte for byte, whichever way it is sent", async () => {
    const file = await sample("duck.jpg");
    for (const onProgress of [undefined, (): void => undefined]) {
      const { images } = await client.images.upload({ name: 'a "duck".jpg', data: file }, { onProgress });
      const id = images[0]?.id ?? "";
      made.push(id);
      const kept = await client.images.download(id, { version: 0 });
      expect(kept.type).toBe("image/jpeg");
      expect(Buffer.from(await kept.arrayBuffer()).equals(Buffer.from(await file.arrayBuffer()))).toBe(true);
    }
  });

  test("costs the others nothing where one is refused", async () => {
    const broken = new File(["this is no picture"], "notes.jpg", { type: "image/jpeg" });
    const { images, errors } = await client.images.upload([await sample("logo.png"), broken]);
    made.push(...images.map((one) => one.id));
    expect(images).toHaveLength(1);
    expect(errors[0]?.name).toBe("notes.jpg");
    expect(errors[0]?.problem.cure).toEqual(expect.any(String));
  });

  test("ends when its signal says so", async () => {
    const stop = new AbortController();
    const upload = client.images.upload(await sample("duck.jpg"), {
      signal: stop.signal,
      onProgress: () => {
        stop.abort();
      },
    });
    await expect(upload).rejects.toMatchObject({ code: "aborted", name: "AbortError" });
  });
});

test("a list is one page, or all of them", async () => {
  const productId = `pages-${crypto.randomUUID()}`;
  const file = await sample("logo.png");
  for (let index = 0; index < 5; index++) {
    const { images } = await client.images.upload(file, { productId });
    made.push(...images.map((one) => one.id));
  }
  const page = await client.images.list({ productId, most: 2 });
  expect(page.items).toHaveLength(2);
  expect(page.next).not.toBeNull();
  const all: string[] = [];
  for await (const picture of client.images.list({ productId, most: 2 })) all.push(picture.id);
  expect(all).toEqual(made.toReversed());
  const rest = await client.images.list({ productId, most: 10, after: page.next ?? "" });
  expect(rest.items.map((one) => one.id)).toEqual(all.slice(2));
});

test("what is known of a picture", async () => {
  const id = await stored("portrait.jpg");
  const info = await client.images.info(id);
  expect(info.picture.format).toBe("jpeg");
  expect(info.faces).toBeNull();
  expect(info.colour.dominant[0]?.color).toMatch(/^#[0-9a-f]{6}$/);
  expect((await client.images.get(id)).newest?.digest).toBe(info.all_versions[0]?.digest);
});

test("thumbnails, by address and as a blob", async () => {
  const id = await stored("duck.jpg");
  const url = client.images.thumbnailUrl(id, { size: 64, version: 0 });
  expect(url).toBe(`${inject("url")}/api/v1/images/${id}/thumbnail?size=64&version=0`);
  const blob = await client.images.thumbnail(id, { size: 64 });
  expect(blob.type).toBe("image/webp");
  expect(blob.size).toBe((await (await fetch(url)).blob()).size);
});

test("a part of a file", async () => {
  const id = await stored();
  const response = await client.images.open(id, { headers: { Range: "bytes=1-3" } });
  expect(response.status).toBe(206);
  expect(await response.text()).toBe("PNG");
});

test("work that is waited for", async () => {
  const id = await stored();
  const first = await client.images.processSync(id, { operations: [{ type: "resize", width: 40 }] });
  expect((await sizeOfPng(first.blob))[0]).toBe(40);
  expect(first.report.steps.map((step) => step.operation)).toEqual(["resize"]);
  expect(first.report.processing_mode).toBe("local");
  const again = await client.images.processSync({ image_id: id }, { operations: ["resize:width=40"] });
  expect(again.cached).toBe(true);
  expect(again.report).toEqual(first.report);
});

test("a signed address is for everybody", async () => {
  const id = await stored();
  const { url, expires } = await client.images.link(id, {
    operations: [{ type: "resize", width: 20 }],
    extension: "png",
    seconds: 60,
  });
  expect(new Date(expires ?? 0).getTime()).toBeGreaterThan(Date.now());
  const response = await fetch(url);
  expect((await sizeOfPng(await response.blob()))[0]).toBe(20);
});

test("a picture that is removed is gone", async () => {
  const id = await stored();
  await client.images.remove(id);
  await expect(client.images.get(id)).rejects.toMatchObject({ code: "image_not_found", status: 404 });
});
