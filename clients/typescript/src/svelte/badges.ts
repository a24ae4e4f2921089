import type { Models } from "../models.js";
import type { ModelDownload, ModelState } from "../types.js";

/** A model as its badge shows it. */
export interface Badge {
  name: string;
  summary: string;
  state: ModelState;
  /** 0 to 1, of a download. */
  progress: number;
  /** Why the last download failed, and what to do. */
  problem: string | null;
}

/** The badges of these models, in this order; of all where none are named. */
export async function badgesOf(
  models: Models,
  names: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Badge[]> {
  const status = await models.status({ signal });
  const known = new Map(status.models.map((model) => [model.name, model]));
  return (names ?? [...known.keys()]).flatMap((name) => {
    const model = known.get(name);
    return model === undefined ? [] : [{ ...told(model), name, summary: model.summary }];
  });
}

/** What changes of a badge as its download goes on. */
export function told(download: Pick<ModelDownload, "state" | "progress" | "problem">): Omit<Badge, "name" | "summary"> {
  const { state, progress, problem } = download;
  return { state, progress, problem: problem === null ? null : [problem.message, problem.cure ?? ""].join(" ").trim() };
}
