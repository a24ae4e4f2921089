import { resultOf } from "./answers.js";
import { type FileInput, fileOf, progressOf } from "./form.js";
import { Models } from "./models.js";
import { type ClientOptions, Transport } from "./transport.js";
import type { CallOptions, ModelDownload, ModelsStatus, OperationOrText, Progress, Result, Work } from "./types.js";

/** How far a picture is on its way. */
export interface ProcessProgress extends Progress {
  /** It is sent, worked on, or its result is received. */
  phase: "sending" | "working" | "receiving";
}

/** Processes files at once, and looks after models: what a desktop app needs and nothing more. */
export class LocalMediaProcessor {
  readonly #transport: Transport;
  readonly #models: Models;

  constructor(options: ClientOptions = {}) {
    this.#transport = new Transport(options);
    this.#models = new Models(this.#transport);
  }

  /**
   * Process a picture and wait for the result; the picture itself is not kept by the service.
   *
   * @param work - operations in order, or a whole {@link Work} with recipe and output format.
   */
  async process(
    file: FileInput,
    work: readonly OperationOrText[] | Work,
    options: CallOptions & { onProgress?: ((progress: ProcessProgress) => void) | undefined } = {},
  ): Promise<Result> {
    const { signal, onProgress } = options;
    const fields = [["operations", JSON.stringify(work)] as const, ["file", fileOf(file)] as const];
    const sent = (progress: Progress): void => {
      onProgress?.({ ...progress, phase: "sending" });
      if (progress.fraction === 1) onProgress?.({ loaded: 0, total: 0, fraction: 0, phase: "working" });
    };
    const response = await this.#transport.sendForm("/local-media/process", fields, {
      signal,
      onProgress: onProgress === undefined ? undefined : sent,
      repeatable: true,
    });
    return resultOf(this.#transport, response, signal, (whole) => received(whole, onProgress));
  }

  /** Every model: what it is for, its licence, and whether it is here. */
  async getModelsStatus(options: CallOptions = {}): Promise<ModelsStatus> {
    return this.#models.status(options);
  }

  /**
   * Download a model and wait until it is here. Ending the call stops the download; the next one goes on from there.
   *
   * @throws DarkroomError where it failed, with the service's code and cure.
   */
  async downloadModel(
    name: string,
    onProgress?: (download: ModelDownload) => void,
    options: CallOptions = {},
  ): Promise<ModelDownload> {
    return this.#models.download(name, { ...options, onProgress });
  }
}

async function received(response: Response, onProgress?: (progress: ProcessProgress) => void): Promise<Blob> {
  if (onProgress === undefined || response.body === null) return response.blob();
  const total = Number(response.headers.get("Content-Length") ?? 0);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    loaded += next.value.byteLength;
    onProgress({ ...progressOf(loaded, total), phase: "receiving" });
  }
  return new Blob(parts, { type: response.headers.get("Content-Type") ?? "" });
}
