import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

const CHUNK = 4096;

/** A mirror of models in this process, which sends of a file only as much as a test allows. */
export class Mirror {
  readonly url: string;
  /** What was asked for, with the first byte that was wanted. */
  readonly requests: { path: string; from: number }[] = [];
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();
  #allowed = Number.POSITIVE_INFINITY;

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
        while (sent < Math.min(rest.length, mirror.#allowed - from)) {
          response.write(rest.subarray(sent, sent + CHUNK));
          sent += CHUNK;
        }
        if (sent < rest.length) return;
        mirror.#waiting.delete(next);
        response.end();
      };
      mirror.#waiting.add(next);
      response.once("close", () => mirror.#waiting.delete(next));
      next();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const mirror = new Mirror(server);
    return mirror;
  }

  /** Send no more than so many bytes of a file, in all; what waits goes on up to there. */
  allow(bytes: number): void {
    this.#allowed = bytes;
    for (const next of [...this.#waiting]) next();
  }

  /** Send whole files again. */
  release(): void {
    this.allow(Number.POSITIVE_INFINITY);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Entries of a user's own catalogue: models that are read as bytes and never run. Of some the digest is known. */
export function catalogue(names: readonly string[], known: Readonly<Record<string, Buffer>> = {}): string {
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
${name in known ? `sha256 = "${digest(known[name])}"` : ""}
`;
  return names.map(entry).join("");
}

function digest(bytes: Buffer | undefined): string {
  return createHash("sha256")
    .update(bytes ?? "")
    .digest("hex");
}

/** Settings of a service that may use a mirror. */
export function mirrored(mirror: Mirror): Record<string, string> {
  return { DARKROOM_MODELS__MIRROR: mirror.url, DARKROOM_EGRESS__PRIVATE_HOSTS: '["127.0.0.1"]' };
}
