import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import tailwindcss from "@tailwindcss/vite";
import { defineConfig, type Plugin } from "vite";

/** Writes a .gz and a .br beside every text that is long enough, so that the service need not compress. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    generateBundle(_, bundle) {
      for (const [name, part] of Object.entries(bundle)) {
        if (!/\.(js|css|html|svg)$/.test(name)) continue;
        const text = Buffer.from(part.type === "chunk" ? part.code : part.source);
        if (text.length < 1000) continue;
        this.emitFile({ type: "asset", fileName: `${name}.gz`, source: gzipSync(text, { level: 9 }) });
        const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
        this.emitFile({ type: "asset", fileName: `${name}.br`, source: brotliCompressSync(text, { params: quality }) });
      }
    },
  };
}

export default defineConfig({
  // From its sources, so that the page can be built by itself.
  resolve: { alias: { "@darkroom/client": fileURLToPath(new URL("../clients/typescript/src/index.ts", import.meta.url)) } },
  plugins: [svelte(), tailwindcss(), compressed()],
  build: {
    outDir: "../src/darkroom/server/page",
    emptyOutDir: true,
    manifest: true,
    assetsInlineLimit: 0,
    target: "es2022",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
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
