import { DarkroomClient, isDarkroomError } from "@darkroom/client";

const KEY = "darkroom.key";

class Session {
  /** Whether a key is asked for. */
  asking = $state(false);
  /** Whether the key that was given was refused. */
  refused = $state(false);
  /** Whether the service answered when it was asked last. */
  reachable = $state(true);
  /** The key, which is kept until the browser's tab is closed. */
  key = $state<string | null>(sessionStorage.getItem(KEY));
  /** What asks the service. */
  client = $derived(new DarkroomClient({ baseUrl: location.origin, apiKey: this.key ?? undefined }));

  #waiting: (() => void)[] = [];

  /** Ask the service; where it wants a key, its owner is asked first. */
  async ask<T>(call: (client: DarkroomClient) => PromiseLike<T>): Promise<T> {
    for (;;) {
      const used = this.key;
      try {
        const answer = await call(this.client);
        this.reachable = true;
        return answer;
      } catch (error) {
        if (!isDarkroomError(error)) throw error;
        if (error.code === "connection") this.reachable = false;
        else if (error.status > 0) this.reachable = true;
        if (error.status !== 401) throw error;
        // Another one may have been given while this call was on its way.
        if (used !== this.key) continue;
        this.refused = used !== null;
        this.asking = true;
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    }
  }

  /** Take a key, and go on with everything that waited for it. */
  give(key: string): void {
    sessionStorage.setItem(KEY, key);
    this.key = key;
    this.asking = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** Forget the key. */
  forget(): void {
    sessionStorage.removeItem(KEY);
    location.reload();
  }
}

/** The connection to the service. */
export const session = new Session();
