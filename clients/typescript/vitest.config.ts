import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: "tests/support/shared.ts",
    // A service in Python takes seconds to start, more on a busy machine.
    hookTimeout: 60_000,
    testTimeout: 30_000,
    maxWorkers: 2,
    // What a page's console says of requests that a test means to fail.
    silent: "passed-only",
  },
});
