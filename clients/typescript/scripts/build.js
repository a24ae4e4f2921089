// Builds dist/: the modules by tsc, the component by svelte-package.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cwd = fileURLToPath(new URL("..", import.meta.url));
const run = (...command) => execFileSync("npx", ["--no-install", ...command], { cwd, stdio: "inherit" });

rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
run("tsc", "-p", "tsconfig.build.json");
run("svelte-package", "-i", "src/svelte", "-o", "dist/svelte", "--tsconfig", "tsconfig.json");
