import type { Bridge } from "./preload.js";

declare global {
  interface Window {
    darkroom: Bridge;
  }
}

const MODEL = "isnet-general-use";

function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${id}.`);
  return found;
}

const input = element("picture", HTMLInputElement);
const image = element("result", HTMLImageElement);
const status = element("status", HTMLElement);
const progress = element("progress", HTMLProgressElement);
const button = element("download", HTMLButtonElement);

const { models, cutOut } = window.darkroom;

models.onChange((download) => {
  if (download.name !== MODEL) return;
  progress.value = download.progress;
  status.textContent = download.problem?.message ?? `${download.name}: ${download.state}`;
  button.textContent = download.state === "downloading" ? "Pause" : "Download the better model";
});

button.addEventListener("click", () => {
  const running = button.textContent === "Pause";
  const done = running ? models.pause(MODEL) : models.ensure([MODEL]);
  done.catch((error: unknown) => (status.textContent = String(error)));
});

input.addEventListener("change", () => {
  const [file] = input.files ?? [];
  if (file !== undefined) void show(file);
});

async function show(file: File): Promise<void> {
  status.textContent = "Working…";
  const made = await cutOut(file.name, await file.arrayBuffer());
  if (!made.ok) {
    status.textContent = `${made.message} ${made.cure ?? ""}`;
    return;
  }
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(new Blob([made.bytes], { type: made.type }));
  status.textContent = `Done in ${made.seconds.toFixed(1)} s.`;
}
