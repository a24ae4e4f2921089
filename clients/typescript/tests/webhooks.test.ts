/** Messages to webhooks: seen, and sent again. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, onTestFinished, test, vi } from "vitest";

import { DarkroomClient } from "../src/index.js";
import { sample } from "./support/samples.js";
import { Home } from "./support/service.js";

test("a job that has ended is told of, and once more where that is wanted", async () => {
  const server = createServer((_, response) => response.writeHead(204).end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const home = await Home.make({ DARKROOM_EGRESS__PRIVATE_HOSTS: '["127.0.0.1"]' });
  const service = await home.serve();
  onTestFinished(async () => {
    await service.stop();
    await home.remove();
    server.close();
  });
  const client = new DarkroomClient({ baseUrl: service.url });
  const { images } = await client.images.upload(await sample("logo.png"));
  const webhook_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const told = once(server, "request");
  const job = await client.images.process(images[0]?.id ?? "", { operations: ["resize:width=9"], webhook_url });
  const [request] = (await told) as [IncomingMessage];
  const id = String(request.headers["webhook-id"]);
  await vi.waitFor(async () => expect((await client.webhooks.get(id)).state).toBe("delivered"), 10_000);
  const { items } = await client.webhooks.list({ jobId: job.id });
  expect(items).toMatchObject([{ id, event: "job.completed", status: 204, body: { data: { id: job.id } } }]);

  const again = once(server, "request");
  await client.webhooks.replay(id);
  const [second] = (await again) as [IncomingMessage];
  expect(second.headers["webhook-id"]).toBe(id);
  expect(await client.webhooks.secrets()).toEqual({ secrets: [expect.stringMatching(/^whsec_/)], made_here: true });
  await expect(client.webhooks.get("0".repeat(32))).rejects.toMatchObject({ code: "delivery_not_found" });
});
