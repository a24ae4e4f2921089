import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig, type Plugin } from "vite";

const OUT = fileURLToPath(new URL("../src/darkroom/server/page", import.meta.url));

/** Writes a .gz and a .br beside every text that is long enough, so that the service need not compress. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    // From the files as they are at last: other plugins still change them when a bundle is generated.
    async closeBundle() {
      for (const name of await readdir(OUT, { recursive: true })) {
        if (!/\.(js|css|html|svg)$/.test(name)) continue;
        const text = await readFile(join(OUT, name));
        if (text.length < 1000) continue;
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        await writeFile(join(OUT, `${name}.gz`), gzipSync(text, { level: 9 }));
        await writeFile(join(OUT, `${name}.br`), brotliCompressSync(text, { params: quality }));
      }
    },
  };
}

export default defineConfig({
  // From its sources, so that the page can be built by itself.
  resolve: {
    alias: { "@darkroom/client": fileURLToPath(new URL("../clients/typescript/src/index.ts", import.meta.url)) },
  },
  plugins: [svelte(), tailwindcss(), compressed()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    manifest: true,
    assetsInlineLimit: 0,
    target: "es2022",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { input: { page: "index.html", docs: "docs.html" } },
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/local-media", "/i", "/health", "/ready", "/openapi.json"].map((path) => [
        path,
        process.env.DARKROOM_URL ?? "http://127.0.0.1:8765",
      ]),
    ),
  },
});
