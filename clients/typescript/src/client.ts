import { answer, given } from "./answers.js";
import { Images } from "./images.js";
import { Batches, Jobs } from "./jobs.js";
import { Models } from "./models.js";
import type { paths } from "./schema.js";
import { type ClientOptions, Transport } from "./transport.js";
import type {
  CallOptions,
  EgressSummary,
  Health,
  OperationInfo,
  Readiness,
  RecipeInfo,
  SettingsView,
} from "./types.js";
import { Webhooks } from "./webhooks.js";

/** What connections are made for, as the ledger has it. */
export type Purpose = NonNullable<NonNullable<paths["/api/v1/egress"]["get"]["parameters"]["query"]>["purpose"]>;

/** The settings that may be changed, by dotted path. */
export class SettingsApi {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The settings that may be changed here, and why one is locked where it is. */
  async get({ signal }: CallOptions = {}): Promise<SettingsView> {
    return answer(this.#transport.api.GET("/api/v1/settings", { signal: signal ?? null }));
  }

  /** Change settings, from now on and after a restart; null takes a change back. All are changed, or none. */
  async change(changes: Record<string, unknown>, { signal }: CallOptions = {}): Promise<SettingsView> {
    const options = { body: { changes }, signal: signal ?? null, ...this.#transport.repeatable };
    return answer(this.#transport.api.PATCH("/api/v1/settings", options));
  }
}

/** The whole API of a Darkroom service. */
export class DarkroomClient {
  readonly images: Images;
  readonly jobs: Jobs;
  readonly batches: Batches;
  readonly models: Models;
  readonly settings: SettingsApi;
  readonly webhooks: Webhooks;
  /** What all parts ask with. */
  readonly transport: Transport;

  constructor(options: ClientOptions = {}) {
    this.transport = new Transport(options);
    this.images = new Images(this.transport);
    this.jobs = new Jobs(this.transport);
    this.batches = new Batches(this.transport);
    this.models = new Models(this.transport);
    this.settings = new SettingsApi(this.transport);
    this.webhooks = new Webhooks(this.transport);
  }

  /** Address of the service. */
  get baseUrl(): string {
    return this.transport.baseUrl;
  }

  /** Whether the process lives. */
  async health({ signal }: CallOptions = {}): Promise<Health> {
    return answer(this.transport.api.GET("/health", { signal: signal ?? null }));
  }

  /** Whether the service can take work, and what it stands on; one that cannot is an answer too, no error. */
  async ready({ signal }: CallOptions = {}): Promise<Readiness> {
    const response = await this.transport.send("/ready", { signal, accept: [503] });
    return (await response.json()) as Readiness;
  }

  /** Every operation with the JSON schema of its parameters, from which forms can be made. */
  async operations({ signal }: CallOptions = {}): Promise<OperationInfo[]> {
    return answer(this.transport.api.GET("/api/v1/operations", { signal: signal ?? null }));
  }

  /** Every recipe, built in and the owner's own. */
  async recipes({ signal }: CallOptions = {}): Promise<RecipeInfo[]> {
    return answer(this.transport.api.GET("/api/v1/recipes", { signal: signal ?? null }));
  }

  /** The ledger: what left the machine, when, to whom, why, how many bytes. */
  async egress(options: CallOptions & { since?: Date; purpose?: Purpose; most?: number } = {}): Promise<EgressSummary> {
    const { since, purpose, most, signal } = options;
    const query = given({ since: since?.toISOString(), purpose, most });
    return answer(this.transport.api.GET("/api/v1/egress", { params: { query }, signal: signal ?? null }));
  }

  /** Numbers of the service, as Prometheus reads them. */
  async metrics({ signal }: CallOptions = {}): Promise<string> {
    return (await this.transport.send("/metrics", { signal })).text();
  }
}
