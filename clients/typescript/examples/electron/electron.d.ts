/** What this example uses of Electron, so that it is checked where Electron is not installed. */
declare module "electron" {
  export interface WebContents {
    send(channel: string, ...values: unknown[]): void;
    isDestroyed(): boolean;
  }
  export interface IpcMainInvokeEvent {
    readonly sender: WebContents;
    readonly senderFrame: { readonly url: string } | null;
  }
  export const app: {
    whenReady(): Promise<void>;
    on(event: "will-quit", listener: () => void): void;
  };
  export const ipcMain: {
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Electron writes it
    handle(channel: string, listener: (event: IpcMainInvokeEvent, ...values: any[]) => unknown): void;
    removeHandler(channel: string): void;
  };
  export interface IpcRendererEvent {
    readonly sender: unknown;
  }
  export const ipcRenderer: {
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Electron writes it
    invoke(channel: string, ...values: any[]): Promise<any>;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Electron writes it
    on(channel: string, listener: (event: IpcRendererEvent, ...values: any[]) => void): unknown;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as Electron writes it
    removeListener(channel: string, listener: (event: IpcRendererEvent, ...values: any[]) => void): unknown;
  };
  export const contextBridge: {
    exposeInMainWorld(name: string, value: unknown): void;
  };
  export class BrowserWindow {
    constructor(options: {
      width: number;
      height: number;
      webPreferences: { preload: string; contextIsolation: boolean; sandbox: boolean };
    });
    loadFile(path: string): Promise<void>;
  }
}
