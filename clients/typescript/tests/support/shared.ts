import type { TestProject } from "vitest/node";

import { Home } from "./service.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** Address of a service that all tests share which do not change its settings. */
    url: string;
  }
}

/** One service for all tests that need no other. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await Home.make({ DARKROOM_SERVER__REQUESTS_PER_MINUTE: "0" });
  const service = await home.serve();
  project.provide("url", service.url);
  return async () => {
    await service.stop();
    await home.remove();
  };
}
