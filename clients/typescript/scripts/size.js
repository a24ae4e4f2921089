// Measures what the client adds to a page, and writes the table into README.md; with --check only says it fits.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MOST = 10_000; // bytes of compressed script that the whole client may have

const root = new URL("..", import.meta.url);
const CASES = [
  ["everything of `@darkroom/client`", `export * from "./dist/index.js";`],
  ["`DarkroomClient`", `export { DarkroomClient } from "./dist/index.js";`],
  ["`LocalMediaProcessor`", `export { LocalMediaProcessor } from "./dist/index.js";`],
  ["`mediaProcessingSettings`", `export { mediaProcessingSettings } from "./dist/settings/index.js";`],
  ["`modelDownloadsBridge`", `export { modelDownloadsBridge } from "./dist/electron/preload.js";`],
];

async function measured(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(root) },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
  });
  const [{ contents: script }] = outputFiles;
  return [script.length, gzipSync(script, { level: 9 }).length];
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const rows = [];
for (const [name, contents] of CASES) {
  const [whole, compressed] = await measured(contents);
  rows.push(`| ${name} | ${kilobytes(whole)} | ${kilobytes(compressed)} |`);
  if (compressed > MOST)
    throw new Error(`${name}: ${kilobytes(compressed)} compressed are more than ${kilobytes(MOST)}`);
}
const table = ["| what is imported | minified | compressed |", "| --- | --- | --- |", ...rows].join("\n");
console.log(table);
if (!process.argv.includes("--check")) {
  const readme = new URL("README.md", root);
  const text = await readFile(readme, "utf8");
  await writeFile(readme, text.replace(/(<!-- size -->\n)[^]*?(\n<!-- end -->)/, `$1\n${table}\n$2`));
}
