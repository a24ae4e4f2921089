import type { MediaProcessingValues } from "./store.js";

/** Where texts are kept by name, as `localStorage` does it. */
export interface TextStorage {
  getItem(name: string): string | null;
  setItem(name: string, text: string): void;
}

/** The platform's storage; undefined where there is none or it is not allowed. */
export function platformStorage(): TextStorage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** What was kept; nothing where it is missing or not what this version writes. */
export function readKept(storage: TextStorage | undefined, name: string): Partial<MediaProcessingValues> {
  try {
    const kept: unknown = JSON.parse(storage?.getItem(name) ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    const found = kept as Record<string, unknown>;
    return Object.fromEntries(
      ["preferLocal", "fallbackToCloud", "consent"]
        .filter((field) => typeof found[field] === "boolean")
        .map((field) => [field, found[field]]),
    );
  } catch {
    return {};
  }
}

/** Keep the values for the next start; a storage that is full or forbidden is no reason to fail. */
export function keep(storage: TextStorage | undefined, name: string, values: MediaProcessingValues): void {
  try {
    storage?.setItem(name, JSON.stringify(values));
  } catch {
    // They are the service's anyway; this copy only saves a moment at the next start.
  }
}
