import { answer, given } from "./answers.js";
import { type Listing, listing } from "./pages.js";
import type { Transport } from "./transport.js";
import type { CallOptions, Delivery, WebhookSecrets } from "./types.js";

/** Messages to webhooks: those that were sent, or could not be. */
export class Webhooks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Messages, the newest first: `await` gives a page, `for await` all of them. */
  list(
    options: CallOptions & {
      state?: Delivery["state"];
      jobId?: string;
      batchId?: string;
      most?: number;
      after?: string;
    } = {},
  ): Listing<Delivery> {
    const { state, jobId, batchId, most, signal } = options;
    return listing(async (after) => {
      const query = given({ state, job_id: jobId, batch_id: batchId, most, after });
      const params = { query };
      return answer(this.#transport.api.GET("/api/v1/webhooks/deliveries", { params, signal: signal ?? null }));
    }, options.after);
  }

  /** A message: what it says, and how often it was sent. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Delivery> {
    const options = { params: { path: { delivery_id: id } }, signal: signal ?? null };
    return answer(this.#transport.api.GET("/api/v1/webhooks/deliveries/{delivery_id}", options));
  }

  /** Send a message once more, under the same identifier. */
  async replay(id: string, { signal }: CallOptions = {}): Promise<Delivery> {
    const options = { params: { path: { delivery_id: id } }, signal: signal ?? null };
    return answer(this.#transport.api.POST("/api/v1/webhooks/deliveries/{delivery_id}/replay", options));
  }

  /** What messages are signed with, for who receives them; the service says it to an administrator only. */
  async secrets({ signal }: CallOptions = {}): Promise<WebhookSecrets> {
    return answer(this.#transport.api.GET("/api/v1/webhooks/secrets", { signal: signal ?? null }));
  }
}
