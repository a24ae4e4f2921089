import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A Darkroom service of this app alone, on a port that was free. */
export interface Sidecar {
  url: string;
  stop: () => void;
}

/** Start `darkroom serve` beside the app. `command` is where your installer has put it. */
export function startSidecar(command = "darkroom"): Promise<Sidecar> {
  const child: ChildProcess = spawn(command, ["serve", "--port", "0"], { stdio: ["ignore", "ignore", "pipe"] });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => {
      reject(new Error(`${command} serve ended with ${String(status)}.`));
    });
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on("line", (line) => {
      const [, url] = /Darkroom is at (http:\/\/\S+?)\/? /.exec(line) ?? [];
      if (url !== undefined) resolve({ url, stop: () => child.kill() });
    });
  });
}
