// Bundles the three parts: the main process for Node, the preload script as CommonJS, since that is what a sandboxed
// window takes, and the page's script for its browser.
import { copyFile, mkdir } from "node:fs/promises";
import { build } from "esbuild";

await mkdir("build", { recursive: true });
const shared = { bundle: true, external: ["electron"], target: "es2022", logLevel: "warning" };
await build({ ...shared, entryPoints: ["src/main.ts"], outfile: "build/main.js", platform: "node", format: "esm" });
await build({
  ...shared,
  entryPoints: ["src/preload.ts"],
  outfile: "build/preload.cjs",
  platform: "node",
  format: "cjs",
});
await build({ ...shared, entryPoints: ["src/page.ts"], outfile: "build/page.js", platform: "browser", format: "esm" });
await copyFile("src/index.html", "build/index.html");
