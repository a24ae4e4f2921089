import { readFile } from "node:fs/promises";

/** A picture that comes with Darkroom. */
export async function sample(name: "duck.jpg" | "logo.png" | "mug.jpg" | "portrait.jpg"): Promise<File> {
  const bytes = await readFile(new URL(`../../../../samples/${name}`, import.meta.url));
  return new File([bytes], name, { type: name.endsWith("png") ? "image/png" : "image/jpeg" });
}

/** Width and height in the header of a PNG. */
export async function sizeOfPng(blob: Blob): Promise<[width: number, height: number]> {
  const view = new DataView(await blob.arrayBuffer());
  return [view.getUint32(16), view.getUint32(20)];
}
