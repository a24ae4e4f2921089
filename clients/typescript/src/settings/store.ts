import { SettingsApi } from "../client.js";
import type { DarkroomError } from "../errors.js";
import { isDarkroomError } from "../errors.js";
import { type ClientOptions, Transport } from "../transport.js";
import type { CallOptions, SettingsView } from "../types.js";
import { keep, platformStorage, readKept, type TextStorage } from "./kept.js";

/** What a person chooses about where pictures are worked on. */
export interface MediaProcessingValues {
  /** This machine is asked first. */
  preferLocal: boolean;
  /** Where this machine fails, a cloud service is asked. */
  fallbackToCloud: boolean;
  /** Pictures may leave this machine at all; nothing does without it. */
  consent: boolean;
}

/** Why something cannot be switched: for programs, and a sentence in English. */
export interface LockReason {
  code: "local_off" | "no_cloud_key" | "environment";
  text: string;
}

/** The store's value: frozen, a new one for each change. */
export interface MediaProcessingState extends MediaProcessingValues {
  /** `unknown` until the service was asked once: the values are those of last time, or the private defaults. */
  status: "unknown" | "loading" | "ready" | "saving" | "failed";
  /** Why a value cannot be changed, where it cannot. */
  locks: { readonly [Name in keyof MediaProcessingValues]: LockReason | null };
  /** Whether the fallback to the cloud can be on. */
  canFallBack: boolean;
  /** Why it cannot. */
  fallbackReason: LockReason | null;
  /** What went wrong last; null once something went well. */
  error: DarkroomError | null;
}

/** The store: Svelte's contract, and nothing of Svelte. */
export interface MediaProcessingSettings {
  /** Be told the state, now and whenever it changes; gives a function that ends it. */
  subscribe(run: (state: MediaProcessingState) => void): () => void;
  /** The state as it is. */
  get(): MediaProcessingState;
  /** Ask the service. Rejected where it cannot be asked, and `error` says so too. */
  load(options?: CallOptions): Promise<MediaProcessingState>;
  /** Have the service keep values, the present ones unless others are given. They show at once and go back if refused. */
  save(values?: Partial<MediaProcessingValues>, options?: CallOptions): Promise<MediaProcessingState>;
  /** Ask this machine first, or not. */
  setPreferLocal(value: boolean): Promise<MediaProcessingState>;
  /** Ask a cloud service where this machine fails, or not. */
  setFallbackToCloud(value: boolean): Promise<MediaProcessingState>;
  /** Agree to pictures leaving this machine, or take it back. */
  setConsent(value: boolean): Promise<MediaProcessingState>;
}

/** Where the store's service is, and where its copy is kept. */
export interface MediaProcessingOptions extends ClientOptions {
  /** In place of address and key: that of a client, `client.transport`. */
  transport?: Transport | undefined;
  /** Where the values are kept for the next start; `localStorage` where there is one. */
  storage?: TextStorage | undefined;
}

type Name = keyof MediaProcessingValues;
type Locks = Record<Name, LockReason | null>;

const NAMES: readonly Name[] = ["preferLocal", "fallbackToCloud", "consent"];
const PATHS: Record<Name, string> = {
  preferLocal: "providers.local_first",
  fallbackToCloud: "providers.cloud_fallback",
  consent: "providers.consent",
};
const PRIVATE: MediaProcessingValues = { preferLocal: true, fallbackToCloud: false, consent: false };
const UNLOCKED: Locks = { preferLocal: null, fallbackToCloud: null, consent: null };
const LOCAL_OFF: LockReason = {
  code: "local_off",
  text: "This machine is not asked first, so there is nothing to fall back from.",
};

/** A store of its own, for a service that is not at the usual address or wants a key. */
export function createMediaProcessingSettings(options: MediaProcessingOptions = {}): MediaProcessingSettings {
  const transport = options.transport ?? new Transport(options);
  const api = new SettingsApi(transport);
  const storage = options.storage ?? platformStorage();
  const place = `darkroom:media-processing:${transport.baseUrl}`;
  const listeners = new Set<(state: MediaProcessingState) => void>();

  // What the service is known to have, and what it was asked to change, over it.
  let confirmed: MediaProcessingValues = { ...PRIVATE, ...readKept(storage, place) };
  let locks = UNLOCKED;
  let asked: { values: Partial<MediaProcessingValues> }[] = [];
  let last: Promise<unknown> = Promise.resolve();
  let state = stateOf(confirmed, locks, "unknown", null);

  function tell(status: MediaProcessingState["status"], error: DarkroomError | null): MediaProcessingState {
    const values = asked.reduce((all, { values }) => ({ ...all, ...values }), confirmed);
    state = stateOf(values, locks, asked.length > 0 ? "saving" : status, error);
    for (const run of [...listeners]) run(state);
    return state;
  }

  function confirm(view: SettingsView): void {
    const value = (name: Name): boolean => view.settings[PATHS[name]]?.value === true;
    confirmed = byName(value);
    locks = byName((name) => lockOf(view, name));
    keep(storage, place, confirmed);
  }

  function fail(cause: unknown): never {
    const error = isDarkroomError(cause) ? cause : transport.failure(cause);
    tell("failed", error);
    throw error;
  }

  async function load(call: CallOptions = {}): Promise<MediaProcessingState> {
    tell("loading", null);
    try {
      confirm(await api.get(call));
    } catch (cause) {
      fail(cause);
    }
    return tell("ready", null);
  }

  async function save(
    values: Partial<MediaProcessingValues> = { ...valuesOf(state) },
    call: CallOptions = {},
  ): Promise<MediaProcessingState> {
    const change = { values };
    asked.push(change);
    tell("saving", null);
    // One after the other, so that the last one said is the last one kept.
    const before = last;
    const done = (async () => {
      await before;
      try {
        confirm(await api.change(changesOf(values), call));
      } catch (cause) {
        asked = asked.filter((other) => other !== change);
        fail(cause);
      }
      asked = asked.filter((other) => other !== change);
      return tell("ready", null);
    })();
    last = done.catch(() => undefined);
    return done;
  }

  return {
    subscribe(run) {
      // The same function may be given twice; each has its own end.
      const listener = (next: MediaProcessingState): void => {
        run(next);
      };
      listeners.add(listener);
      run(state);
      return () => {
        listeners.delete(listener);
      };
    },
    get: () => state,
    load,
    save,
    setPreferLocal: (preferLocal) => save({ preferLocal }),
    setFallbackToCloud: (fallbackToCloud) => save({ fallbackToCloud }),
    setConsent: (consent) => save({ consent }),
  };
}

/** The store for the service at its usual address. It is asked when somebody calls `load`. */
export const mediaProcessingSettings: MediaProcessingSettings = /* @__PURE__ */ createMediaProcessingSettings();

function byName<T>(of: (name: Name) => T): Record<Name, T> {
  return { preferLocal: of("preferLocal"), fallbackToCloud: of("fallbackToCloud"), consent: of("consent") };
}

function valuesOf({ preferLocal, fallbackToCloud, consent }: MediaProcessingValues): MediaProcessingValues {
  return { preferLocal, fallbackToCloud, consent };
}

function changesOf(values: Partial<MediaProcessingValues>): Record<string, boolean> {
  const entries = NAMES.flatMap((name) => (values[name] === undefined ? [] : [[PATHS[name], values[name]] as const]));
  return Object.fromEntries(entries);
}

function lockOf(view: SettingsView, name: Name): LockReason | null {
  const setting = view.settings[PATHS[name]];
  if (setting?.lock == null) return null;
  if (setting.lock === "not_local_first") return LOCAL_OFF;
  return { code: setting.lock, text: setting.locked ?? "" };
}

function stateOf(
  values: MediaProcessingValues,
  locks: Locks,
  status: MediaProcessingState["status"],
  error: DarkroomError | null,
): MediaProcessingState {
  const known = locks.fallbackToCloud;
  // The first reason is known here before the service says so: the switch beside it has just been turned.
  const stale = known?.code === "local_off" && values.preferLocal;
  const reason = values.preferLocal ? (stale ? null : known) : LOCAL_OFF;
  // What the environment has turned on is on, though it cannot be turned off.
  const canFallBack = reason === null || (reason.code === "environment" && values.fallbackToCloud);
  return Object.freeze({
    ...valuesOf(values),
    status,
    locks: { ...locks, fallbackToCloud: reason },
    canFallBack,
    fallbackReason: canFallBack ? null : reason,
    error,
  });
}
