import type { Held } from "../../../../src/sim/hash.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";

/** What a decode engine says to the prefill engine of a transfer; answered with true by the engine that it means. */
export type ToPrefill = {
  readonly kind:
    | "coming" // It is queued: the blocks are to be kept for it.
    | "register" // It has blocks free for it.
    | "taken" // It has got everything.
    | "gone" // Its request was aborted.
    | "lost"; // Its request ended, and nothing told of it.
  /** The prefill engine's process, or one rank of it. */
  readonly engineId: string;
  readonly transfer: string;
  /** Names the decode engine's request. */
  readonly id: string;
};

/** What a prefill engine says to a decode engine: here are the blocks; or none will come. */
export type ToDecode =
  /** Answered with what becomes of them; nothing when they are awaited no more. */
  | { readonly kind: "blocks"; readonly id: string; readonly held: Held }
  | { readonly kind: "failed"; readonly id: string };

export type BlocksAnswer = "loading" | "not-loading";

/** A message of another engine's object, which says nothing but these. */
export function readTransferMessage(message: unknown): ToPrefill | ToDecode | undefined {
  const kind = isRecord(message) ? String(message["kind"]) : "";
  const isKnown = TO_PREFILL.has(kind) || TO_DECODE.has(kind);
  return isKnown ? (message as ToPrefill | ToDecode) : undefined;
}

export function isForDecode(message: ToPrefill | ToDecode): message is ToDecode {
  return TO_DECODE.has(message.kind);
}

const TO_PREFILL: ReadonlySet<string> = new Set(["coming", "register", "taken", "gone", "lost"]);
const TO_DECODE: ReadonlySet<string> = new Set(["blocks", "failed"]);
