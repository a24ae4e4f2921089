import type { DarkroomError } from "./errors.js";
import { DarkroomConnectionError, hasCode } from "./errors.js";
import type { Transport } from "./transport.js";
import type { CallOptions } from "./types.js";
import { backoff, pause } from "./waiting.js";

/** A server-sent event. */
export interface ServerEvent {
  /** Its name. */
  event: string;
  data: string;
}

/** Options of what follows events. */
export interface FollowOptions extends CallOptions {
  /** Seconds without the service after which following ends with an error; 60 unless said. */
  patience?: number | undefined;
  /** Called whenever the connection had been lost and is there again: something may have been missed. */
  onReconnect?: (() => void) | undefined;
}

/** Seconds of silence after which a connection is taken for lost; the service says something every 15. */
const SILENCE = 45;
const SLOWEST = 10;

/** The events in a stream of bytes, as the HTML standard reads them. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  let event = "";
  let data: string[] = [];
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const lines = (rest + next.value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data.length > 0) yield { event: event === "" ? "message" : event, data: data.join("\n") };
          event = "";
          data = [];
          continue;
        }
        const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
        if (name === "event") event = value ?? "";
        else if (name === "data") data.push(value ?? "");
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * Follow events over lost connections and restarts of the service.
 *
 * @param ended - whether an event is the last one; without it, it goes on until the signal or the caller ends it.
 * @throws DarkroomError where the service refuses, or was not there at the beginning or for too long.
 */
export async function* follow(
  transport: Transport,
  path: string,
  options: FollowOptions,
  ended: (event: ServerEvent) => boolean = () => false,
): AsyncGenerator<ServerEvent, void, void> {
  const { signal, patience = 60, onReconnect } = options;
  let connected = false;
  let heard = Date.now();
  for (let attempt = 0; ; attempt++) {
    const quiet = new AbortController();
    const both = signal === undefined ? quiet.signal : AbortSignal.any([signal, quiet.signal]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const alive = (): void => {
      heard = Date.now();
      clearTimeout(timer);
      timer = setTimeout(() => {
        quiet.abort();
      }, SILENCE * 1000);
    };
    try {
      const response = await transport.send(path, { headers: { Accept: "text/event-stream" }, signal: both });
      if (response.body === null) throw new DarkroomConnectionError(transport.baseUrl);
      alive();
      if (connected) onReconnect?.();
      connected = true;
      attempt = 0;
      const body = response.body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            alive();
            controller.enqueue(chunk);
          },
        }),
      );
      for await (const event of readEvents(body)) {
        yield event;
        if (ended(event)) return;
      }
    } catch (cause) {
      const error = transport.failure(cause, signal);
      const passes =
        connected && (hasCode(error, "connection", "aborted") || error.status === 429 || error.status >= 500);
      if (!passes || signal?.aborted) throw error;
    } finally {
      clearTimeout(timer);
      quiet.abort();
    }
    if (Date.now() - heard > patience * 1000) throw lost(transport, patience);
    await pause(backoff(attempt, SLOWEST), signal);
  }
}

function lost(transport: Transport, seconds: number): DarkroomError {
  return new DarkroomConnectionError(transport.baseUrl, new Error(`There was no service for ${seconds} seconds.`));
}
