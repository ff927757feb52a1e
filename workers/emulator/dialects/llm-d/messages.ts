import { isRecord } from "../../../../src/sim/tokens.ts";
import type { Api } from "../../ask.ts";

/** What a sidecar sends to another engine. */
export type ToPrefill =
  /** A completion, as text; answered with `Answered`. */
  | {
      readonly kind: "complete";
      readonly id: string;
      readonly api: Api;
      readonly requestId: string | null;
      readonly body: string;
    }
  /** Its connection was closed. */
  | { readonly kind: "leave"; readonly id: string };

/** That engine's answer, whole. */
export type Answered = {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
};

/** A message of a sidecar, which says nothing but these. */
export function readSidecarMessage(message: unknown): ToPrefill | undefined {
  const kind = isRecord(message) ? message["kind"] : undefined;
  return kind === "complete" || kind === "leave" ? (message as ToPrefill) : undefined;
}
