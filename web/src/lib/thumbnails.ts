import { isDarkroomError, mayPass } from "@darkroom/client";
import { session } from "./state/session.svelte";

/** A small picture. */
export interface Thumbnail {
  blob: Blob;
  /** Whether some of its pixels are transparent. */
  alpha: boolean;
}

/** Which small picture. */
export interface Wanted {
  version: number | undefined;
  name: string | undefined;
  /** Longer side in pixels. */
  size: number;
}

/** The client has tried again already where the service is busy; one that is busier still is left in peace. */
const PAUSES_MS = [5000, 20_000];

/** Those that cannot be read: asking again, from another place of the page, would only fail again. */
const unreadable = new Set<string>();

/** Fetch a small picture of a version; null where it cannot be read, or the call was ended. */
export async function thumbnail(id: string, wanted: Wanted, signal: AbortSignal): Promise<Thumbnail | null> {
  const which = `${id} ${wanted.version ?? ""} ${wanted.name ?? ""}`;
  for (let attempt = 0; !signal.aborted && !unreadable.has(which); attempt++) {
    try {
      // Not as the address of an <img>: that sends no key, and tells nothing of what went wrong.
      const blob = await session.ask((client) => client.images.thumbnail(id, { ...wanted, signal }));
      return { blob, alpha: await hasAlpha(blob) };
    } catch (error) {
      // Without a number the newest is meant, and there may be a better one later.
      const forGood = isDarkroomError(error) && error.status >= 400 && error.status < 500 && !mayPass(error);
      if (forGood && wanted.version !== undefined) unreadable.add(which);
      const pause = PAUSES_MS[attempt];
      if (!mayPass(error) || pause === undefined) return null;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return null;
}

/** Whether a WebP has transparent pixels, by its header (RFC 9649); its writer leaves alpha out where all are opaque. */
async function hasAlpha(webp: Blob): Promise<boolean> {
  const head = new DataView(await webp.slice(0, 25).arrayBuffer());
  if (head.byteLength < 25) return false;
  const chunk = String.fromCharCode(...new Uint8Array(head.buffer, 12, 4));
  if (chunk === "VP8X") return (head.getUint8(20) & 0x10) !== 0;
  // After a signature of one byte 14 bits each of width and height, then the bit.
  return chunk === "VP8L" && (head.getUint32(21, true) & (1 << 28)) !== 0;
}
