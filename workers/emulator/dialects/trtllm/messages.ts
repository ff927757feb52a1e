import type { Held } from "../../../../src/sim/hash.ts";
import { isRecord } from "../../../../src/sim/tokens.ts";

/** What a generation engine says of a context request, by its number. */
export type ToContext =
  /** It has room for its blocks; answered with true, unless another process of the engine is meant. */
  | { readonly kind: "want"; readonly number: string; readonly engineId: string | undefined }
  /** It has them. */
  | { readonly kind: "taken"; readonly number: string }
  /** Its request has ended otherwise. */
  | { readonly kind: "gone"; readonly number: string };

/** What a context engine says of one. */
export type ToGeneration =
  /** Here they are; answered with whether they are wanted. */
  | { readonly kind: "blocks"; readonly number: string; readonly held: Held }
  /** They will not come. */
  | { readonly kind: "cancelled"; readonly number: string };

/** A message of another engine's object, which says nothing but these. */
export function readTransfer(message: unknown): ToContext | ToGeneration | undefined {
  const kind = isRecord(message) ? String(message["kind"]) : "";
  const isKnown = TO_CONTEXT.has(kind) || TO_GENERATION.has(kind);
  return isKnown ? (message as ToContext | ToGeneration) : undefined;
}

export function isForGeneration(message: ToContext | ToGeneration): message is ToGeneration {
  return TO_GENERATION.has(message.kind);
}

const TO_CONTEXT: ReadonlySet<string> = new Set(["want", "taken", "gone"]);
const TO_GENERATION: ReadonlySet<string> = new Set(["blocks", "cancelled"]);
