/** Forms with files: what a file may be given as, and how a form is sent so that its progress can be told. */

import type { Progress } from "./types.js";

/** A file to send: a File, a Blob, or bytes with a name. */
export type FileInput = Blob | { name: string; data: Blob | ArrayBuffer | Uint8Array<ArrayBuffer>; type?: string };

/** A field of a form: its name, and a text or a file. */
export type Field = readonly [name: string, value: string | File];

/** A file with a name. */
export function fileOf(input: FileInput): File {
  if (input instanceof File) return input;
  if (input instanceof Blob) return new File([input], "picture", { type: input.type });
  const type = input.type ?? (input.data instanceof Blob ? input.data.type : "");
  return new File([input.data], input.name, { type });
}

/** The form as the platform has it. */
export function formOf(fields: readonly Field[]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
}

/** What {@link sendForm} needs. */
export interface FormRequest {
  url: string;
  headers: Record<string, string>;
  fields: readonly Field[];
  onProgress: (progress: Progress) => void;
  signal: AbortSignal | undefined;
  fetch: typeof globalThis.fetch;
}

/**
 * Send a form and tell how much of it has gone.
 *
 * By XMLHttpRequest where there is one, as no browser tells it of `fetch`; in Node by a stream. Elsewhere (workers
 * of some browsers) only the beginning and the end are told.
 */
export async function sendForm(request: FormRequest): Promise<Response> {
  if (typeof XMLHttpRequest !== "undefined") return byXhr(request);
  if (inNode()) return byStream(request);
  const total = new Encoded(request.fields).bytes;
  request.onProgress(progressOf(0, total));
  const { url, headers, fields, signal } = request;
  const response = await request.fetch(url, { method: "POST", headers, body: formOf(fields), signal: signal ?? null });
  request.onProgress(progressOf(total, total));
  return response;
}

function inNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}

/** How far a transfer is. */
export function progressOf(loaded: number, total: number): Progress {
  return { loaded, total, fraction: total > 0 ? Math.min(1, loaded / total) : 0 };
}

function byXhr({ url, headers, fields, onProgress, signal }: FormRequest): Promise<Response> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const stop = (): void => {
      xhr.abort();
    };
    const ended = (): void => {
      signal?.removeEventListener("abort", stop);
    };
    xhr.open("POST", url);
    xhr.responseType = "blob";
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => {
      onProgress(progressOf(event.loaded, event.lengthComputable ? event.total : 0));
    };
    xhr.onload = () => {
      ended();
      resolve(
        new Response(xhr.response as Blob, {
          status: xhr.status,
          statusText: xhr.statusText,
          headers: headersOf(xhr.getAllResponseHeaders()),
        }),
      );
    };
    xhr.onerror = () => {
      ended();
      reject(new TypeError("The connection failed."));
    };
    xhr.onabort = () => {
      ended();
      reject(new DOMException("The request was ended.", "AbortError"));
    };
    if (signal?.aborted) {
      reject(new DOMException("The request was ended.", "AbortError"));
      return;
    }
    signal?.addEventListener("abort", stop, { once: true });
    xhr.send(formOf(fields));
  });
}

function headersOf(lines: string): Headers {
  const headers = new Headers();
  for (const line of lines.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}

async function byStream({ url, headers, fields, onProgress, signal, fetch }: FormRequest): Promise<Response> {
  const form = new Encoded(fields);
  const init: RequestInit & { duplex: "half" } = {
    method: "POST",
    headers: { ...headers, "Content-Type": form.type },
    body: form.stream(onProgress),
    signal: signal ?? null,
    duplex: "half",
  };
  return fetch(url, init);
}

/** A form as bytes (RFC 7578), read from its files only as it is sent. */
class Encoded {
  readonly type: string;
  readonly bytes: number;
  readonly #parts: Blob[];

  constructor(fields: readonly Field[]) {
    const boundary = `darkroom-${crypto.randomUUID()}`;
    this.type = `multipart/form-data; boundary=${boundary}`;
    this.#parts = fields.flatMap(([name, value]) => {
      const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"`;
      if (typeof value === "string") return [new Blob([`${head}\r\n\r\n${value}\r\n`])];
      const type = value.type === "" ? "application/octet-stream" : value.type;
      const more = `; filename="${quoted(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`;
      return [new Blob([head, more]), value, new Blob(["\r\n"])];
    });
    this.#parts.push(new Blob([`--${boundary}--\r\n`]));
    this.bytes = this.#parts.reduce((sum, part) => sum + part.size, 0);
  }

  stream(onProgress: (progress: Progress) => void): ReadableStream<Uint8Array> {
    const chunks = this.#chunks();
    const total = this.bytes;
    let loaded = 0;
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const next = await chunks.next();
          if (next.done) {
            controller.close();
            return;
          }
          controller.enqueue(next.value);
          loaded += next.value.byteLength;
          onProgress(progressOf(loaded, total));
        },
        async cancel() {
          await chunks.return();
        },
      },
      // Nothing is read ahead, so that what is counted has been taken by the connection.
      { highWaterMark: 0 },
    );
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, void> {
    for (const part of this.#parts) {
      const reader = part.stream().getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
    }
  }
}

/** A name within quotes, as browsers write it. */
function quoted(text: string): string {
  return text.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}
