import type { z } from "zod";
import type { ErrorCode } from "../../apps/errors.ts";
import type { JsonSchema } from "./json-schema.ts";

/** What a route takes and gives, as far as its path and method do not say. */
export type Operation = {
  /** A name for generated clients. */
  readonly id: string;
  readonly group: "Turns" | "Responses and conversations" | "Sessions and receipts" | "Mesh";
  readonly summary: string;
  readonly access: "key" | "open";
  /** The schema that its body is parsed by. */
  readonly body?: z.ZodType;
  /** Absent where it is left out as well as where it is sent. */
  readonly isBodyOptional?: true;
  /** The schema that its query is parsed by. */
  readonly query?: z.ZodObject;
  /** What it answers; absent where it always refuses. */
  readonly answer?: z.ZodType;
  /** It answers that something was made: 201. */
  readonly isMade?: true;
  /** What its event stream has, for those that ask with `stream`. */
  readonly stream?: string;
  /** What is said once it has become a WebSocket. */
  readonly socket?: string;
  /** Anything but JSON that it answers instead. */
  readonly answersWith?: "text/html";
  /** It is a turn: routed, labelled, and with a receipt. */
  readonly isTurn?: true;
  /** What it may refuse with, besides what all do. */
  readonly errors: readonly ErrorCode[];
};

/** By method and path, such as `GET /v1/models/{id}`. */
export type Operations = Readonly<Record<string, Operation>>;

/** What whoever sends a body may meet. */
export const BODY_ERRORS = ["invalid_json", "invalid_request", "body_too_large"] as const;

/** One of the answers of an operation, by its status. */
export type DescribedAnswer = {
  readonly description: string;
  readonly headers: Readonly<Record<string, object>>;
  readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>;
};
