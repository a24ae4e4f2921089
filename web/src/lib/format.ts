import { speech } from "./i18n/index.svelte";

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A number of bytes as people read it: 217 kB, 1.4 GB. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, unit > 0 && value < 9.95 ? 1 : 0)} ${UNITS[unit] ?? ""}`;
}

/** A number in the reader's notation. */
export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(speech.language, { maximumFractionDigits: digits }).format(value);
}

/** A share of one in percent. */
export function percent(share: number): string {
  return new Intl.NumberFormat(speech.language, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

/** Seconds as people read them: 0.6 s, 2 min 5 s. */
export function duration(seconds: number): string {
  if (seconds < 0.005) return `< ${number(0.01, 2)} s`;
  if (seconds < 0.095) return `${number(seconds, 2)} s`;
  if (seconds < 99.5) return `${number(seconds, seconds < 9.95 ? 1 : 0)} s`;
  return `${number(Math.floor(seconds / 60))} min ${number(Math.round(seconds % 60))} s`;
}

/** A moment: the time if it was today, else the date too. */
export function moment(iso: string): string {
  const at = new Date(iso);
  const today = at.toDateString() === new Date().toDateString();
  return new Intl.DateTimeFormat(
    speech.language,
    today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" },
  ).format(at);
}

/** Width and height. */
export function size(width: number, height: number): string {
  return width > 0 ? `${number(width)} × ${number(height)}` : "";
}

/** What is known of something, in one line; what is empty is left out. */
export function facts(...parts: string[]): string {
  return parts.filter((part) => part !== "").join(" · ");
}

const FORMATS: Record<string, string> = { jpeg: "JPEG", webp: "WebP" };

/** A format as it is written. */
export function format(name: string): string {
  return FORMATS[name] ?? name.toUpperCase();
}
