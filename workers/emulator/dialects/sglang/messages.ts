import type { Held } from "../../../../src/sim/hash.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";

/** What a decode engine says about a room. */
export type ToPrefill =
  /** It keeps blocks free for it; answered with `Registered`. */
  | { readonly kind: "register"; readonly room: string }
  /** It has fetched them. */
  | { readonly kind: "taken"; readonly room: string }
  /** Its request was aborted or failed. */
  | { readonly kind: "decode-ended"; readonly room: string }
  /** Asks whether the engine still lives; answered with `Registered`. */
  | { readonly kind: "alive" };

/** What a prefill engine says about a room. */
export type ToDecode =
  /** They are computed; answered with whether they are wanted. */
  | {
      readonly kind: "blocks";
      readonly room: string;
      readonly held: Held;
      readonly cachedTokens: number;
    }
  /** Its request was aborted or failed. */
  | { readonly kind: "prefill-ended"; readonly room: string }
  /** Asks whether the blocks are still awaited; answered with true or false. */
  | { readonly kind: "awaited"; readonly room: string };

/** Which life of a prefill engine it is. */
export type Registered = { readonly engineId: string };

/** A message of another engine's object, which says nothing but these. */
export function readRoomMessage(message: unknown): ToPrefill | ToDecode | undefined {
  const kind = isRecord(message) ? String(message["kind"]) : "";
  const isKnown = TO_DECODE.has(kind) || TO_PREFILL.has(kind);
  return isKnown ? (message as ToPrefill | ToDecode) : undefined;
}

export function isForDecode(message: ToPrefill | ToDecode): message is ToDecode {
  return TO_DECODE.has(message.kind);
}

const TO_PREFILL: ReadonlySet<string> = new Set(["register", "taken", "decode-ended", "alive"]);
const TO_DECODE: ReadonlySet<string> = new Set(["blocks", "prefill-ended", "awaited"]);
