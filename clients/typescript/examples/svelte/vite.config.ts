import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  // Wherever it is put.
  base: "./",
  plugins: [svelte()],
  build: { outDir: "build", emptyOutDir: true, target: "es2022" },
});
