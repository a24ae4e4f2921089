import type { Transport } from "./transport.js";
import type { Complete, Report, Result } from "./types.js";

/** The body of an answer of the generated layer; failures were thrown before. */
export async function answer<T>(asked: Promise<{ data?: T }>): Promise<Complete<T>> {
  return (await asked).data as Complete<T>;
}

/** The fields of an object that are not undefined. */
export function given<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** A path with a query; fields that are undefined are left out. */
export function withQuery(path: string, query: Record<string, string | number | boolean | undefined>): string {
  const entries = Object.entries(given(query)).map(([name, value]) => [name, String(value)]);
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries).toString()}`;
}

/** The picture and the receipt in an answer to work that was waited for. */
export async function resultOf(
  transport: Transport,
  response: Response,
  signal: AbortSignal | undefined,
  body: (response: Response) => Promise<Blob> = (whole) => whole.blob(),
): Promise<Result> {
  try {
    const blob = await body(response);
    return {
      blob,
      report: await reportOf(transport, response, signal),
      cached: response.headers.get("Darkroom-Cache") === "hit",
    };
  } catch (cause) {
    throw transport.failure(cause, signal);
  }
}

/** The receipt: in a header where it is short, else at the address that another header tells. */
async function reportOf(transport: Transport, response: Response, signal: AbortSignal | undefined): Promise<Report> {
  const header = response.headers.get("Darkroom-Report");
  if (header !== null) return JSON.parse(header) as Report;
  const [, path = ""] = /<([^>]+)>; rel="describedby"/.exec(response.headers.get("Link") ?? "") ?? [];
  return (await (await transport.send(path, { signal })).json()) as Report;
}
