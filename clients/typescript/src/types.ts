/** The bodies of the API by their names, as `src/schema.ts` has them from the service's OpenAPI document. */

import type { components } from "./schema.js";

type Schemas = components["schemas"];

/** What the service answers: it writes every field, also those that a request may leave out. */
export type Complete<T> = T extends object ? { [K in keyof T]-?: Complete<T[K]> } : T;

type Distributed<T> = T extends { type?: infer Name } ? { type: NonNullable<Name> } & Omit<T, "type"> : never;

/** One operation with its parameters, told by its `type`; what is left out has its default. */
export type Operation = Distributed<NonNullable<Schemas["Work"]["operations"]>[number]>;
/** Name of an operation. */
export type OperationName = Operation["type"];
/** An operation, or its text form as on the command line: `upscale:scale=2`. */
export type OperationOrText = Operation | (string & {});

type WithText<T extends { operations?: unknown }> = Omit<T, "operations"> & {
  /** In order. */
  operations?: readonly OperationOrText[];
};

/** How to write a result; what is left out is the format's default, or the settings'. */
export type Output = Schemas["Output"];
/** What to do with a picture: a recipe, then operations, then how to write the result. */
export type Work = WithText<Schemas["Work"]>;
/** A transformed picture that a signed address is wanted for. */
export type LinkRequest = WithText<Schemas["LinkRequest"]>;
/** A picture: the id of one that is stored, one of its versions, or an address to fetch it from. */
export type Source = string | Schemas["Source"];

export type Picture = Complete<Schemas["Picture"]>;
export type PictureInfo = Complete<Schemas["PictureInfo"]>;
export type PictureReport = Complete<Schemas["PictureReport"]>;
export type Version = Complete<Schemas["Version"]>;
export type Uploaded = Complete<Schemas["Uploaded"]>;
export type Box = Complete<Schemas["Box"]>;
export type Job = Complete<Schemas["Job"]>;
export type JobState = Job["state"];
export type Batch = Complete<Schemas["Batch"]>;
export type Fault = Complete<Schemas["Fault"]>;
export type Report = Complete<Schemas["Report"]>;
export type StepReport = Complete<Schemas["StepReport"]>;
export type Link = Complete<Schemas["Link"]>;
export type OperationInfo = Complete<Schemas["OperationInfo"]>;
export type RecipeInfo = Complete<Schemas["RecipeInfo"]>;
export type ModelInfo = Complete<Schemas["ModelInfo"]>;
export type ModelState = ModelInfo["state"];
export type ModelsStatus = Complete<Schemas["ModelsStatus"]>;
export type ModelDownload = Complete<Schemas["ModelDownload"]>;
export type SettingInfo = Complete<Schemas["SettingInfo"]>;
export type SettingsView = Complete<Schemas["SettingsView"]>;
export type Connection = Complete<Schemas["Connection"]>;
export type EgressSummary = Complete<Schemas["EgressSummary"]>;
export type Health = Complete<Schemas["Health"]>;
export type Readiness = Complete<Schemas["Readiness"]>;
export type Delivery = Complete<Schemas["Delivery"]>;
export type WebhookSecrets = Complete<Schemas["WebhookSecrets"]>;
export type Problem = Schemas["Problem"];

/** Part of a list, the newest first. */
export interface Page<T> {
  items: T[];
  /** Give it as `after` for what follows; null at the end. */
  next: string | null;
}

/** How far the transfer of bytes is. */
export interface Progress {
  /** Bytes so far. */
  loaded: number;
  /** Bytes in all; 0 where not known. */
  total: number;
  /** 0 to 1; 0 while the total is not known. */
  fraction: number;
}

/** A result that was waited for. */
export interface Result {
  /** The picture; its `type` is the media type. */
  blob: Blob;
  /** The receipt: steps, models, device, seconds, fallbacks. */
  report: Report;
  /** Whether it was kept from before. */
  cached: boolean;
}

/** Options of every call. */
export interface CallOptions {
  /** Ends the call; it is rejected with {@link DarkroomAborted}. */
  signal?: AbortSignal | undefined;
}
