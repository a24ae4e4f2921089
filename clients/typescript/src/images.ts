import { answer, given, resultOf, withQuery } from "./answers.js";
import { type FileInput, fileOf } from "./form.js";
import { type Listing, listing } from "./pages.js";
import type { components } from "./schema.js";
import type { Transport } from "./transport.js";
import type {
  Batch,
  CallOptions,
  Job,
  Link,
  LinkRequest,
  Picture,
  PictureInfo,
  Progress,
  Result,
  Source,
  Uploaded,
  Work,
} from "./types.js";

type Schemas = components["schemas"];

/** Options of an upload. */
export interface UploadOptions extends CallOptions {
  /** Shop that the pictures belong to. */
  storeId?: string | undefined;
  /** Product that they show. */
  productId?: string | undefined;
  /** Told again and again how much has been sent. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Which file of a picture. */
export interface VersionOptions extends CallOptions {
  /** Number of the version; the newest unless said. */
  version?: number | undefined;
  /** Of a picture that was made beside that version. */
  name?: string | undefined;
}

/** Options of work that becomes a job. */
export interface SubmitOptions extends CallOptions {
  /** The same key with the same request gives the same job, so that it may be sent again after an error. */
  idempotencyKey?: string | undefined;
}

/** Stored pictures, their versions, and work on them. */
export class Images {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Store pictures. One that is refused costs the others nothing: it is among `errors`.
   *
   * @throws DarkroomError where none was taken: the first one's error.
   */
  async upload(files: FileInput | Iterable<FileInput>, options: UploadOptions = {}): Promise<Uploaded> {
    const many = Symbol.iterator in files ? [...files] : [files];
    const groups = Object.entries(given({ store_id: options.storeId, product_id: options.productId }));
    const fields = [...groups, ...many.map((file) => ["file", fileOf(file)] as const)];
    const response = await this.#transport.sendForm("/api/v1/images/upload", fields, options);
    return (await response.json()) as Uploaded;
  }

  /** Store the picture at an address; the service fetches it, and writes that into its ledger. */
  async fetch(url: string, options: CallOptions & { storeId?: string; productId?: string } = {}): Promise<Picture> {
    const body = {
      url,
      ...given({ store_id: options.storeId, product_id: options.productId }),
    } as Schemas["FetchRequest"];
    const signal = options.signal ?? null;
    return answer(this.#transport.api.POST("/api/v1/images/fetch", { body, signal }));
  }

  /** Stored pictures, the newest first: `await` gives a page, `for await` all of them. */
  list(
    options: CallOptions & { storeId?: string; productId?: string; most?: number; after?: string } = {},
  ): Listing<Picture> {
    const { storeId, productId, most, signal } = options;
    return listing(async (after) => {
      const query = given({ store_id: storeId, product_id: productId, most, after });
      return answer(this.#transport.api.GET("/api/v1/images", { params: { query }, signal: signal ?? null }));
    }, options.after);
  }

  /** A stored picture. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Picture> {
    const params = { path: { image_id: id } };
    return answer(this.#transport.api.GET("/api/v1/images/{image_id}", { params, signal: signal ?? null }));
  }

  /** All that is known of a picture; faces only where they are asked for, as that takes a while. */
  async info(id: string, options: CallOptions & { faces?: boolean; version?: number } = {}): Promise<PictureInfo> {
    const params = { path: { image_id: id }, query: given({ faces: options.faces, version: options.version }) };
    const signal = options.signal ?? null;
    const { data } = await this.#transport.api.GET("/api/v1/images/{image_id}/info", { params, signal });
    // The layer's types lose that a landmark is a pair.
    return data as PictureInfo;
  }

  /** The file of a picture. */
  async download(id: string, options: VersionOptions = {}): Promise<Blob> {
    return this.#blob(await this.open(id, options), options.signal);
  }

  /** The answer with the file of a picture, to read it as a stream, or in part by a Range header. */
  async open(id: string, options: VersionOptions & { headers?: Record<string, string> } = {}): Promise<Response> {
    const { version, name, ...rest } = options;
    return this.#transport.send(withQuery(`/api/v1/images/${id}/download`, { version, name }), rest);
  }

  /** Address of a small WebP of a picture; for services that want a key, {@link thumbnail} gets it instead. */
  thumbnailUrl(id: string, options: { size?: number; version?: number; name?: string } = {}): string {
    const { size, version, name } = options;
    return this.#transport.baseUrl + withQuery(`/api/v1/images/${id}/thumbnail`, { size, version, name });
  }

  /** A small WebP of a picture. */
  async thumbnail(id: string, options: VersionOptions & { size?: number } = {}): Promise<Blob> {
    const { size, version, name, signal } = options;
    const path = withQuery(`/api/v1/images/${id}/thumbnail`, { size, version, name });
    return this.#blob(await this.#transport.send(path, { signal }), signal);
  }

  /** Delete a picture with all its versions; jobs that work on it are cancelled. */
  async remove(id: string, { signal }: CallOptions = {}): Promise<void> {
    await this.#transport.send(`/api/v1/images/${id}`, { method: "DELETE", signal });
  }

  /** Have a picture worked on: gives a job, whose result is a new version of the picture. */
  async process(source: Source, work: Work, options: SubmitOptions = {}): Promise<Job> {
    const body = { ...sourceOf(source), ...work } as Schemas["ProcessRequest"];
    const signal = options.signal ?? null;
    const headers = keyOf(options);
    return answer(this.#transport.api.POST("/api/v1/images/process", { body, headers, signal }));
  }

  /** Have a picture worked on and wait for the result, which is no new version of it. */
  async processSync(source: Source, work: Work, { signal }: CallOptions = {}): Promise<Result> {
    const body = { ...sourceOf(source), ...work } as Schemas["ProcessRequest"];
    const { response } = await this.#transport.api.POST("/api/v1/images/process/sync", {
      ...this.#transport.repeatable,
      body,
      parseAs: "stream",
      signal: signal ?? null,
    });
    return resultOf(this.#transport, response, signal);
  }

  /** Have several pictures worked on in the same way: all are accepted, or none. */
  async batch(
    sources: readonly Source[],
    work: Work,
    options: SubmitOptions & { webhookUrl?: string | undefined } = {},
  ): Promise<Batch> {
    const images = sources.map(sourceOf);
    const body = { images, work, ...given({ webhook_url: options.webhookUrl }) } as Schemas["BatchRequest"];
    const signal = options.signal ?? null;
    const headers = keyOf(options);
    return answer(this.#transport.api.POST("/api/v1/images/batch", { body, headers, signal }));
  }

  /** A signed address of a picture with operations in it, for pages that anybody may see. */
  async link(id: string, request: LinkRequest = {}, { signal }: CallOptions = {}): Promise<Link> {
    return answer(
      this.#transport.api.POST("/api/v1/images/{image_id}/link", {
        ...this.#transport.repeatable,
        params: { path: { image_id: id } },
        body: request as Schemas["LinkRequest"],
        signal: signal ?? null,
      }),
    );
  }

  async #blob(response: Response, signal: AbortSignal | undefined): Promise<Blob> {
    return response.blob().catch((cause: unknown) => {
      throw this.#transport.failure(cause, signal);
    });
  }
}

function sourceOf(source: Source): Schemas["Source"] {
  return typeof source === "string" ? { image_id: source } : source;
}

function keyOf({ idempotencyKey }: SubmitOptions): Record<string, string> {
  return given({ "Idempotency-Key": idempotencyKey }) as Record<string, string>;
}
