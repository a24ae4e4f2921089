import { type ModelDownloadsBridge, modelDownloadsBridge } from "@darkroom/client/electron/preload";
import { contextBridge, ipcRenderer } from "electron";

/** What comes of a picture. */
export type CutOut =
  { ok: true; bytes: ArrayBuffer; type: string; seconds: number } | { ok: false; message: string; cure: string | null };

/** What the page gets of the app. */
export interface Bridge {
  models: ModelDownloadsBridge;
  cutOut(name: string, bytes: ArrayBuffer): Promise<CutOut>;
}

const bridge: Bridge = {
  models: modelDownloadsBridge(ipcRenderer),
  cutOut: (name, bytes) => ipcRenderer.invoke("cut-out", name, bytes) as Promise<CutOut>,
};

contextBridge.exposeInMainWorld("darkroom", bridge);
