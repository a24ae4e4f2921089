import { join } from "node:path";

import { isDarkroomError, LocalMediaProcessor } from "@darkroom/client";
import { exposeModelDownloads, ModelDownloader } from "@darkroom/client/electron";
import { app, BrowserWindow, ipcMain, type IpcMainInvokeEvent } from "electron";

import type { CutOut } from "./preload.js";
import { startSidecar } from "./sidecar.js";

await app.whenReady();
const sidecar = await startSidecar();
app.on("will-quit", sidecar.stop);

const page = join(import.meta.dirname, "index.html");
// Only our own page may ask, should a window ever show another.
const ours = (event: IpcMainInvokeEvent): boolean => event.senderFrame?.url.startsWith("file:") === true;

const downloader = new ModelDownloader({ baseUrl: sidecar.url });
exposeModelDownloads(ipcMain, downloader, { allows: ours });

// The service is asked from here, not from the page: so it need not take requests of pages at all.
const processor = new LocalMediaProcessor({ baseUrl: sidecar.url });
ipcMain.handle("cut-out", async (event: IpcMainInvokeEvent, name: unknown, bytes: unknown): Promise<CutOut> => {
  if (!ours(event) || typeof name !== "string" || !(bytes instanceof ArrayBuffer)) throw new Error("Not understood.");
  try {
    const { blob, report } = await processor.process({ name, data: bytes }, [{ type: "remove_background" }]);
    return { ok: true, bytes: await blob.arrayBuffer(), type: blob.type, seconds: report.seconds };
  } catch (error) {
    if (!isDarkroomError(error)) throw error;
    return { ok: false, message: error.message, cure: error.cure };
  }
});

const window = new BrowserWindow({
  width: 900,
  height: 700,
  webPreferences: { preload: join(import.meta.dirname, "preload.cjs"), contextIsolation: true, sandbox: true },
});
await window.loadFile(page);
