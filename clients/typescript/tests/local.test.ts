/** A file in, a file out: what a desktop app does. */
import { expect, inject, test } from "vitest";

import { LocalMediaProcessor, type ProcessProgress } from "../src/index.js";
import { sample, sizeOfPng } from "./support/samples.js";

const processor = new LocalMediaProcessor({ baseUrl: inject("url") });

test("operations on a file, with progress through all phases", async () => {
  const told: ProcessProgress[] = [];
  const operations = [{ type: "resize", width: 50 } as const, "adjust:contrast=1.1"];
  const { blob, report, cached } = await processor.process(await sample("logo.png"), operations, {
    onProgress: (progress) => told.push(progress),
  });
  expect(blob.type).toBe("image/png");
  expect((await sizeOfPng(blob))[0]).toBe(50);
  expect(report.steps.map((step) => step.operation)).toEqual(["resize", "adjust"]);
  expect(report.input?.name).toBe("logo.png");
  expect(cached).toBe(false);
  expect([...new Set(told.map((one) => one.phase))]).toEqual(["sending", "working", "receiving"]);
  expect(told.at(-1)).toMatchObject({ loaded: blob.size, total: blob.size, fraction: 1 });
});

test("the same again is kept", async () => {
  const work = { operations: ["resize:width=51"], output: { format: "webp" as const } };
  const first = await processor.process(await sample("logo.png"), work);
  const second = await processor.process(await sample("logo.png"), work);
  expect([first.cached, second.cached]).toEqual([false, true]);
  expect(second.blob.type).toBe("image/webp");
  expect(second.report).toEqual(first.report);
});

test("a receipt that is too long for a header is fetched", async () => {
  const operations = Array.from({ length: 24 }, (_, index) => `resize:width=${80 - index}`);
  const { report } = await processor.process(await sample("logo.png"), operations);
  expect(report.steps).toHaveLength(24);
  expect(JSON.stringify(report).length).toBeGreaterThan(6000);
});

test("what is no picture is refused, with a cure", async () => {
  const notes = { name: "notes.txt", data: new TextEncoder().encode("milk, bread") };
  await expect(processor.process(notes, ["resize:width=5"])).rejects.toMatchObject({
    name: "DarkroomError",
    cure: expect.any(String),
  });
});

test("every model has a state and a licence", async () => {
  const { models } = await processor.getModelsStatus();
  const model = models.find((one) => one.name === "u2netp");
  expect(model).toMatchObject({ state: "missing", licence: "Apache-2.0", commercial: true });
});
