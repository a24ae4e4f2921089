/** Let the browser keep the file of an answer, under the name that the service gives it. */
export async function save(response: Response, fallback: string): Promise<void> {
  saveBlob(await response.blob(), nameOf(response, fallback));
}

/** The name that the service gives the file of an answer. */
export function nameOf(response: Response, fallback: string): string {
  const disposition = response.headers.get("Content-Disposition") ?? "";
  const [, encoded] = /filename\*=UTF-8''([^;]+)/.exec(disposition) ?? [];
  return encoded === undefined ? fallback : decodeURIComponent(encoded);
}

/** Let the browser keep a file. */
export function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Whether the browser lets the page write into a folder that is chosen. */
export const canWriteFolders = "showDirectoryPicker" in globalThis;

/** As much of the File System Access API as is used; TypeScript's DOM library leaves its picker out. */
interface Pickers {
  showDirectoryPicker(options: { id?: string; mode?: "readwrite" }): Promise<FileSystemDirectoryHandle>;
}

/** Have a folder chosen; null where none was. */
export async function pickFolder(): Promise<FileSystemDirectoryHandle | null> {
  try {
    return await (globalThis as unknown as Pickers).showDirectoryPicker({ id: "darkroom", mode: "readwrite" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    throw error;
  }
}

/** Write files into a folder; a name that is taken already gets a number. */
export async function writeInto(
  folder: FileSystemDirectoryHandle,
  files: AsyncIterable<{ name: string; blob: Blob }>,
): Promise<number> {
  const taken = new Set<string>();
  const listed = folder as unknown as { keys(): AsyncIterable<string> };
  for await (const name of listed.keys()) taken.add(name.toLowerCase());
  let count = 0;
  for await (const { name, blob } of files) {
    const free = freeName(name, taken);
    const handle = await folder.getFileHandle(free, { create: true });
    const stream = await handle.createWritable();
    await stream.write(blob);
    await stream.close();
    taken.add(free.toLowerCase());
    count += 1;
  }
  return count;
}

function freeName(name: string, taken: Set<string>): string {
  const dot = name.lastIndexOf(".");
  const [stem, suffix] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  let free = name;
  for (let number = 2; taken.has(free.toLowerCase()); number++) free = `${stem}-${number}${suffix}`;
  return free;
}
