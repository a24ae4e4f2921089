import { DarkroomAborted } from "./errors.js";

/** Wait some seconds; rejected with DarkroomAborted as soon as the signal says so. */
export function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new DarkroomAborted(signal.reason));
      return;
    }
    const stop = (): void => {
      clearTimeout(timer);
      reject(new DarkroomAborted(signal?.reason));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Seconds to wait before the attempt after `attempt`: twice as long each time, a little random, at most `most`. */
export function backoff(attempt: number, most: number): number {
  return Math.min(most, 0.25 * 2 ** attempt) * (0.75 + Math.random() / 2);
}
