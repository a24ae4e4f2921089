import { answer } from "./answers.js";
import { DarkroomAborted, DarkroomError, errorOfFault } from "./errors.js";
import { follow, type FollowOptions } from "./events.js";
import { type FileInput, fileOf } from "./form.js";
import type { Transport } from "./transport.js";
import type { CallOptions, ModelDownload, ModelsStatus, Progress } from "./types.js";

/** Models: which there are, whose they are, and whether they are here. */
export class Models {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Every model: what it is for, its licence, and whether it is here. */
  async status({ signal }: CallOptions = {}): Promise<ModelsStatus> {
    return answer(this.#transport.api.GET("/api/v1/models", { signal: signal ?? null }));
  }

  /**
   * Download a model and wait until it is here. Ending the call stops the download; the next one goes on from there.
   *
   * @param onProgress - told again and again how far it is.
   * @throws DarkroomError where it failed, with the service's code and cure; `cancelled` where somebody else stopped it.
   */
  async download(
    name: string,
    options: FollowOptions & { onProgress?: ((download: ModelDownload) => void) | undefined } = {},
  ): Promise<ModelDownload> {
    const { signal, onProgress } = options;
    if (signal?.aborted) throw new DarkroomAborted(signal.reason);
    try {
      let last = await this.start(name, { signal });
      onProgress?.(last);
      if (last.state === "here") return last;
      for await (const next of this.events(options)) {
        if (next.name !== last.name) continue;
        last = next;
        onProgress?.(next);
        if (next.state !== "downloading") break;
      }
      if (last.state === "here") return last;
      if (last.problem !== null) throw errorOfFault(last.problem);
      throw new DarkroomError(`The download of ${name} was stopped.`, {
        code: "cancelled",
        cure: "Start it again: it goes on from there.",
      });
    } catch (error) {
      if (signal?.aborted) await this.cancel(name);
      throw error;
    }
  }

  /** Begin to download a model, or give how far it is; {@link events} tells how it goes on. */
  async start(name: string, { signal }: CallOptions = {}): Promise<ModelDownload> {
    const options = { params: { path: { name } }, signal: signal ?? null, ...this.#transport.repeatable };
    return answer(this.#transport.api.POST("/local-media/models/download/{name}", options));
  }

  /** Stop a download; what has come is kept. */
  async cancel(name: string, { signal }: CallOptions = {}): Promise<ModelDownload> {
    const options = { params: { path: { name } }, signal: signal ?? null, ...this.#transport.repeatable };
    return answer(this.#transport.api.POST("/local-media/models/download/{name}/cancel", options));
  }

  /** Delete a model's files. */
  async remove(name: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send(`/api/v1/models/${encodeURIComponent(name)}`, { method: "DELETE", signal });
  }

  /** Bring a model as a file: one that the catalogue knows by its name, or what `darkroom models export` made. */
  async import(
    file: FileInput,
    options: CallOptions & { onProgress?: ((progress: Progress) => void) | undefined } = {},
  ): Promise<ModelsStatus> {
    const response = await this.#transport.sendForm("/api/v1/models/import", [["file", fileOf(file)]], options);
    return (await response.json()) as ModelsStatus;
  }

  /** Every download as it is now and whenever one changes, until the signal or the caller ends it. */
  async *events(options: FollowOptions = {}): AsyncGenerator<ModelDownload, void, void> {
    for await (const { event, data } of follow(this.#transport, "/local-media/models/events", options)) {
      if (event === "model") yield JSON.parse(data) as ModelDownload;
    }
  }
}
