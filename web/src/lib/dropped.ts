/** Files among what was dropped or pasted, those of folders too, however deep. */
export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  // The list is emptied as soon as the event is over: entries are taken first, then read.
  const entries = [...transfer.items].map((item) => (item.kind === "file" ? item.webkitGetAsEntry() : null));
  if (entries.every((entry) => entry === null)) return [...transfer.files];
  const found: File[] = [];
  for (const entry of entries) if (entry !== null) await collect(entry, found);
  return found;
}

/** Whether a file of a folder may be a picture; what is meant for systems is not sent. */
export function mayBePicture(file: File): boolean {
  if (file.name.startsWith(".") || file.name === "Thumbs.db") return false;
  return file.type.startsWith("image/") || /\.(jpe?g|png|webp|avif|tiff?|gif|bmp|svg|ppm|ico|heic)$/i.test(file.name);
}

async function collect(entry: FileSystemEntry, found: File[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    found.push(file);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const one of some) {
      const inner: File[] = [];
      await collect(one, inner);
      found.push(...inner.filter(mayBePicture));
    }
  }
}
