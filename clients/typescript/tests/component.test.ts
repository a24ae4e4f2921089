// @vitest-environment happy-dom
/** The switches and badges, on a page, by pointer, keyboard and screen reader. */
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { DarkroomClient } from "../src/index.js";
import { MediaProcessingToggle } from "../src/svelte/index.js";
import { catalogue, Mirror, mirrored } from "./support/mirror.js";
import { Home, type Service } from "./support/service.js";

const NAMES = ["small", "large", "absent"];

let mirror: Mirror;
let home: Home;
let service: Service;
let client: DarkroomClient;

beforeAll(async () => {
  const bytes = Buffer.alloc(200_000, 5);
  mirror = await Mirror.serving({ "small.onnx": bytes, "large.onnx": bytes });
  home = await Home.make(mirrored(mirror), catalogue(NAMES));
  service = await home.serve();
  client = new DarkroomClient({ baseUrl: service.url });
});

beforeEach(() => {
  (window as unknown as { happyDOM: { setURL(url: string): void } }).happyDOM.setURL(`${service.url}/`);
});

afterEach(() => {
  cleanup();
  mirror.release();
});

afterAll(async () => {
  await service.stop();
  await home.remove();
  await mirror.close();
});

const slow = { timeout: 15_000 };

function toggle(name: string): HTMLElement {
  return screen.getByRole("switch", { name });
}

/** What a screen reader says of an element after its name. */
function described(element: HTMLElement): string {
  const ids = element.getAttribute("aria-describedby")?.split(" ") ?? [];
  return ids.map((id) => document.getElementById(id)?.textContent).join(" ");
}

async function valueOf(path: string): Promise<unknown> {
  return (await client.settings.get()).settings[path]?.value;
}

test("the switches are those of the service, and are kept by it", async () => {
  render(MediaProcessingToggle, { client, models: [] });
  const local = toggle("Prefer this computer");
  expect(local.getAttribute("aria-checked")).toBe("true");
  await fireEvent.click(local);
  expect(local.getAttribute("aria-checked")).toBe("false");
  await waitFor(async () => expect(await valueOf("providers.local_first")).toBe(false), slow);
  await fireEvent.click(screen.getByText("Prefer this computer"));
  await waitFor(async () => expect(await valueOf("providers.local_first")).toBe(true), slow);
  expect(local.getAttribute("aria-checked")).toBe("true");
});

test("a switch that cannot be turned can be reached, and says why", async () => {
  render(MediaProcessingToggle, { client, models: [] });
  const fallback = toggle("Fall back to the cloud");
  await waitFor(() => expect(described(fallback)).toBe("No key of a cloud service is set up."), slow);
  expect(fallback.getAttribute("aria-disabled")).toBe("true");
  fallback.focus();
  expect(document.activeElement).toBe(fallback);
  await fireEvent.click(fallback);
  expect(fallback.getAttribute("aria-checked")).toBe("false");
  expect(await valueOf("providers.cloud_fallback")).toBe(false);
});

test("in Italian", async () => {
  const { container } = render(MediaProcessingToggle, { client, models: ["small"], language: "it" });
  expect(container.querySelector("section")?.lang).toBe("it");
  expect(screen.getByRole("region", { name: "Dove vengono elaborate le immagini" })).toBeTruthy();
  expect(await screen.findByRole("button", { name: "Scarica small" }, slow)).toBeTruthy();
});

test("single texts may be others", () => {
  render(MediaProcessingToggle, { client, models: [], texts: { title: "Pictures" } });
  expect(screen.getByRole("region", { name: "Pictures" })).toBeTruthy();
});

test("a model that is missing is downloaded, and its badge says how far it is", async () => {
  mirror.allow(50_000);
  render(MediaProcessingToggle, { client, models: ["small", "nobody-knows-it"] });
  const list = await screen.findByRole("list", { name: "Models" }, slow);
  const [item] = within(list).getAllByRole("listitem");
  if (item === undefined) throw new Error("there is no badge");
  expect(within(list).getAllByRole("listitem")).toHaveLength(1);
  expect(item.textContent).toContain("missing");
  await fireEvent.click(within(item).getByRole("button", { name: "Download small" }));
  const bar = await within(item).findByRole("progressbar", {}, slow);
  await waitFor(() => expect(Number(bar.getAttribute("value"))).toBeGreaterThan(0), slow);
  expect(within(item).getByRole("button", { name: "Stop the download of small" })).toBeTruthy();
  mirror.release();
  await waitFor(() => expect(item.textContent).toContain("here"), slow);
  expect(screen.getByRole("status").textContent).toBe("small is here.");
  expect(within(item).queryByRole("button")).toBeNull();
});

test("a download that is stopped or fails says so", async () => {
  mirror.allow(50_000);
  render(MediaProcessingToggle, { client, models: ["large", "absent"] });
  await fireEvent.click(await screen.findByRole("button", { name: "Download large" }, slow));
  await fireEvent.click(await screen.findByRole("button", { name: "Stop the download of large" }, slow));
  expect(await screen.findByRole("button", { name: "Download large" }, slow)).toBeTruthy();
  await fireEvent.click(screen.getByRole("button", { name: "Download absent" }));
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("404"), slow);
  expect(screen.getByText("failed")).toBeTruthy();
});

test("a service that is not there is said, and asked again", async () => {
  const nobody = new DarkroomClient({ baseUrl: "http://127.0.0.1:9" });
  const { rerender } = render(MediaProcessingToggle, { client: nobody, models: [] });
  const alert = await screen.findByRole("alert", {}, slow);
  expect(alert.textContent).toContain("not reached");
  await fireEvent.click(await within(alert).findByRole("button", { name: "Try again" }, slow));
  await rerender({ client, models: [] });
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull(), slow);
});
