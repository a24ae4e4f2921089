import type { KnownErrorCode } from "./schema.js";
import type { Fault, Job, Problem } from "./types.js";

/** Kind of an error, for programs: those of the service (docs/errors.md), and three of the client. */
export type ErrorCode = KnownErrorCode | "connection" | "aborted" | "not_understood" | (string & {});

/** What is known of an error. */
export interface ErrorDetails {
  code: ErrorCode;
  /** HTTP status; 0 where there was no answer. */
  status?: number;
  /** What to do about it. */
  cure?: string | null | undefined;
  /** The operation at fault, counted from 0. */
  step?: number | null | undefined;
  /** The parameter at fault, of that operation where it is one. */
  field?: string | null | undefined;
  /** Of the request, as in the service's log. */
  requestId?: string | null | undefined;
  /** Seconds after which it may be tried again. */
  retryAfter?: number | null | undefined;
  cause?: unknown;
}

/** Any error of the client: what the service said, or why it could not be asked. */
export class DarkroomError extends Error {
  override name = "DarkroomError";
  /** Kind of the error, for programs. */
  readonly code: ErrorCode;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What happened, to what; the same as `message`. */
  readonly detail: string;
  /** What to do about it. */
  readonly cure: string | null;
  /** The operation at fault, counted from 0. */
  readonly step: number | null;
  /** The parameter at fault, of that operation where it is one. */
  readonly field: string | null;
  /** Of the request, as in the service's log. */
  readonly requestId: string | null;
  /** Seconds after which it may be tried again. */
  readonly retryAfter: number | null;

  constructor(detail: string, details: ErrorDetails) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.detail = detail;
    this.code = details.code;
    this.status = details.status ?? 0;
    this.cure = details.cure ?? null;
    this.step = details.step ?? null;
    this.field = details.field ?? null;
    this.requestId = details.requestId ?? null;
    this.retryAfter = details.retryAfter ?? null;
  }
}

/** The service was not reached, or the connection was lost; `code` is `connection`. */
export class DarkroomConnectionError extends DarkroomError {
  override name = "DarkroomConnectionError";

  constructor(address: string, cause?: unknown) {
    super(`Darkroom was not reached at ${address}.`, {
      code: "connection",
      cure: "Start it with `darkroom serve`; a page of another origin must be named in its server.cors_origins.",
      cause,
    });
  }
}

/** The call was ended by its AbortSignal; `code` is `aborted`, `name` that of the platform's own. */
export class DarkroomAborted extends DarkroomError {
  override name = "AbortError";

  constructor(cause?: unknown) {
    super("The call was ended by who made it.", { code: "aborted", cause });
  }
}

/** A job that was waited for did not complete: it failed, was cancelled or quarantined. */
export class DarkroomJobError extends DarkroomError {
  override name = "DarkroomJobError";
  /** The job as it ended. */
  readonly job: Job;

  constructor(job: Job) {
    const fault = job.error;
    super(fault?.message ?? `The job ${job.id} was ${job.state}.`, {
      code: fault?.code ?? job.state,
      cure: fault?.cure,
      step: fault?.step,
      field: fault?.field,
    });
    this.job = job;
  }
}

/** Whether something that was thrown is an error of this client. */
export function isDarkroomError(error: unknown): error is DarkroomError {
  return error instanceof DarkroomError;
}

/** Whether something that was thrown is an error of this client with one of these codes. */
export function hasCode<Code extends ErrorCode>(
  error: unknown,
  ...codes: readonly Code[]
): error is DarkroomError & { readonly code: Code } {
  return error instanceof DarkroomError && (codes as readonly string[]).includes(error.code);
}

/** Whether the same request may succeed in a while. */
export function mayPass(error: unknown): boolean {
  return (
    error instanceof DarkroomError && (error.status === 429 || error.status === 503 || error.code === "connection")
  );
}

/** The error of a download of a model, or of a job, that the service tells of. */
export function errorOfFault(fault: Fault): DarkroomError {
  const { code, cure, step, field } = fault;
  return new DarkroomError(fault.message, { code, cure, step, field });
}

/** The error that an answer tells of. */
export async function errorOfResponse(response: Response): Promise<DarkroomError> {
  const text = await response.text().catch(() => "");
  const problem = problemOf(text);
  const wait = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return new DarkroomError(problem?.detail ?? `The service answered ${response.status} ${response.statusText}.`, {
    code: problem?.code ?? "not_understood",
    status: response.status,
    cure: problem?.cure,
    step: problem?.step,
    field: problem?.field,
    requestId: problem?.request_id ?? response.headers.get("X-Request-ID"),
    retryAfter: Number.isFinite(wait) ? wait : null,
  });
}

function problemOf(text: string): Problem | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === "object" && found !== null && "code" in found ? (found as Problem) : null;
  } catch {
    return null;
  }
}
