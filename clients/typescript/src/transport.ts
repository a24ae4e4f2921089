import createFetch, { type Client } from "openapi-fetch";

import {
  DarkroomAborted,
  DarkroomConnectionError,
  type DarkroomError,
  errorOfResponse,
  isDarkroomError,
} from "./errors.js";
import type { paths } from "./schema.js";
import { formOf, type Field, sendForm } from "./form.js";
import type { CallOptions, Progress } from "./types.js";
import { backoff, pause } from "./waiting.js";

/** Where the service is, and how to ask it. */
export interface ClientOptions {
  /** Address of the service; http://127.0.0.1:8765 unless said. */
  baseUrl?: string | undefined;
  /** An API key, as `darkroom keys create` makes them; a service on this machine needs none. */
  apiKey?: string | undefined;
  /** In place of the platform's `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /** How often a request that may be repeated is tried again after 429 and 503; 2 unless said. */
  retries?: number | undefined;
}

/** Where `darkroom serve` is to be found unless it is told otherwise. */
export const DEFAULT_URL = "http://127.0.0.1:8765";

/** Longest wait, in seconds, that a retry is worth; a longer one is left to who calls. */
const PATIENCE = 30;
const REPEATABLE = new Set(["GET", "HEAD", "PUT", "DELETE"]);

/** Options of a request. */
export interface SendOptions extends CallOptions {
  method?: string;
  headers?: Record<string, string>;
  /** Whether a second time does no harm, where the method does not say so. */
  repeatable?: boolean;
  /** Statuses beyond 2xx and 304 that are answers and no errors. */
  accept?: readonly number[];
}

/** Sends requests: puts the key on, tries again what may pass, and throws typed errors. */
export class Transport {
  readonly baseUrl: string;
  /** The generated layer: every path with its types. Failures are thrown, so `data` is always there. */
  readonly api: Client<paths>;
  /** For `api`, of a POST or PATCH that may be repeated. */
  readonly repeatable = { fetch: (request: Request): Promise<Response> => this.#attempts(request, true) };
  readonly #apiKey: string | undefined;
  readonly #fetch: typeof globalThis.fetch;
  readonly #retries: number;

  constructor(options: ClientOptions = {}) {
    this.baseUrl = (options.baseUrl ?? DEFAULT_URL).replace(/\/+$/, "");
    this.#apiKey = options.apiKey;
    // Called as a method of something else, the browsers' own fetch refuses.
    this.#fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#retries = options.retries ?? 2;
    this.api = createFetch<paths>({
      baseUrl: this.baseUrl,
      fetch: (request) =>
        this.#attempts(request, REPEATABLE.has(request.method) || request.headers.has("Idempotency-Key")),
    });
  }

  /** Send a request without a body, and give the answer. */
  async send(path: string, options: SendOptions = {}): Promise<Response> {
    const { method = "GET", headers = {}, signal, repeatable, accept } = options;
    const request = new Request(this.baseUrl + path, { method, headers, signal: signal ?? null });
    return this.#attempts(request, repeatable ?? REPEATABLE.has(method), accept);
  }

  /** Send a form with files, telling how far it is. */
  async sendForm(
    path: string,
    fields: readonly Field[],
    options: CallOptions & { repeatable?: boolean; onProgress?: ((progress: Progress) => void) | undefined } = {},
  ): Promise<Response> {
    const { signal, onProgress, repeatable = false } = options;
    const url = this.baseUrl + path;
    return this.#trying(repeatable, signal, () => {
      const headers = this.#headers();
      return onProgress === undefined
        ? this.#fetch(url, { method: "POST", headers, body: formOf(fields), signal: signal ?? null })
        : sendForm({ url, headers, fields, onProgress, signal, fetch: this.#fetch });
    });
  }

  #headers(): Record<string, string> {
    return this.#apiKey === undefined ? {} : { Authorization: `Bearer ${this.#apiKey}` };
  }

  #attempts(request: Request, repeatable: boolean, accept?: readonly number[]): Promise<Response> {
    for (const [name, value] of Object.entries(this.#headers())) request.headers.set(name, value);
    return this.#trying(repeatable, request.signal, () => this.#fetch(request.clone()), accept);
  }

  async #trying(
    repeatable: boolean,
    signal: AbortSignal | undefined,
    once: () => Promise<Response>,
    accept: readonly number[] = [],
  ): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const response = await once().catch((cause: unknown) => {
        throw this.failure(cause, signal);
      });
      if (response.ok || response.status === 304 || accept.includes(response.status)) return response;
      const error = await errorOfResponse(response);
      const wait = error.retryAfter ?? backoff(attempt, PATIENCE);
      const passes = error.status === 429 || error.status === 503;
      if (!repeatable || !passes || attempt >= this.#retries || wait > PATIENCE) throw error;
      await pause(wait, signal);
    }
  }

  /** What was thrown while the service was asked or its answer read, as an error of this client. */
  failure(cause: unknown, signal?: AbortSignal): DarkroomError {
    if (isDarkroomError(cause)) return cause;
    if (signal?.aborted || (cause instanceof Error && cause.name === "AbortError")) return new DarkroomAborted(cause);
    return new DarkroomConnectionError(this.baseUrl, cause);
  }
}
