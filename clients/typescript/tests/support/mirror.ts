import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const CHUNK = 4096;

/** A mirror of models in this process, which sends a file as slowly as a test wants. */
export class Mirror {
  readonly url: string;
  /** What was asked for, with the first byte that was wanted. */
  readonly requests: { path: string; from: number }[] = [];
  /** Milliseconds between chunks of 4096 bytes. */
  pace = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** A mirror that has these files. */
  static async serving(files: Readonly<Record<string, Buffer>>): Promise<Mirror> {
    const server = createServer((request, response) => {
      const path = request.url ?? "";
      const file = files[path.slice(1)];
      const [, first = "0"] = /^bytes=(\d+)-$/.exec(request.headers.range ?? "") ?? [];
      const from = Number(first);
      mirror.requests.push({ path, from });
      if (file === undefined) {
        response.writeHead(404).end();
        return;
      }
      const rest = file.subarray(from);
      const range = from > 0 ? { "Content-Range": `bytes ${from}-${file.length - 1}/${file.length}` } : {};
      const headers = { "Content-Length": rest.length, "Accept-Ranges": "bytes", ETag: '"one"', ...range };
      response.writeHead(from > 0 ? 206 : 200, headers);
      let sent = 0;
      const next = (): void => {
        if (response.destroyed) return;
        if (sent >= rest.length) {
          response.end();
          return;
        }
        response.write(rest.subarray(sent, sent + CHUNK));
        sent += CHUNK;
        setTimeout(next, mirror.pace);
      };
      next();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const mirror = new Mirror(server);
    return mirror;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Entries of a user's own catalogue: models that are read as bytes and never run. */
export function catalogue(names: readonly string[]): string {
  const entry = (name: string): string => `
[[model]]
name = "${name}"
task = "matte"
summary = "A model of the tests."
licence = "MIT"
commercial = true
source = "https://example.org"
[[model.files]]
name = "${name}.onnx"
url = "https://example.org/${name}.onnx"
`;
  return names.map(entry).join("");
}

/** Settings of a service that may use a mirror. */
export function mirrored(mirror: Mirror): Record<string, string> {
  return { DARKROOM_MODELS__MIRROR: mirror.url, DARKROOM_EGRESS__PRIVATE_HOSTS: '["127.0.0.1"]' };
}
