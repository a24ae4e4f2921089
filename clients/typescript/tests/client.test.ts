/** The service as a whole: its health, what it can do, what left the machine. */
import { readdirSync, readFileSync } from "node:fs";

import { expect, inject, test } from "vitest";

import { DarkroomClient } from "../src/index.js";

const client = new DarkroomClient({ baseUrl: inject("url") });

test("it lives and can take work", async () => {
  expect(await client.health()).toEqual({ status: "ok", version: expect.any(String) });
  const ready = await client.ready();
  expect(ready.ready).toBe(true);
  expect(ready.dependencies["database"]?.ok).toBe(true);
});

test("an address may end in slashes", async () => {
  expect((await new DarkroomClient({ baseUrl: `${inject("url")}//` }).health()).status).toBe("ok");
});

test("operations come with the schemas that forms are made from", async () => {
  const operations = await client.operations();
  const resize = operations.find((one) => one.name === "resize");
  expect(resize?.lane).toBe("light");
  expect(resize?.json_schema["properties"]).toHaveProperty("width");
});

test("recipes have operations", async () => {
  const [recipe] = await client.recipes();
  expect(recipe?.operations.length).toBeGreaterThan(0);
});

test("nothing has left this machine", async () => {
  const since = new Date(Date.now() - 60_000);
  const { entries, sent } = await client.egress({ since, most: 5 });
  expect({ entries, sent }).toEqual({ entries: [], sent: 0 });
});

test("numbers for Prometheus", async () => {
  expect(await client.metrics()).toContain("# HELP");
});

test("every route of the service has its place in the client", () => {
  const api = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8")) as {
    paths: Record<string, object>;
  };
  const folder = new URL("../src/", import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== "schema.ts");
  const source = files.map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  const written = source.replaceAll(/\$\{[^}]*\}/g, "{}");
  // Addresses of /i/ come signed from `link`; those of receipts from headers.
  const others = /^\/i\/|^\/local-media\/(reports|models\/status)/;
  const missing = Object.keys(api.paths).filter((path) => {
    const anonymous = path.replaceAll(/\{[^}]*\}/g, "{}");
    return !others.test(path) && !source.includes(`"${path}"`) && !written.includes(anonymous);
  });
  // Work on one picture is asked for by `/images/process` with its id.
  expect(missing).toEqual(["/api/v1/images/{image_id}/process"]);
});
