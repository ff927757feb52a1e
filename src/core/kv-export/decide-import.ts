import { importMs, type KvReason, MARGIN } from "./decide-export.ts";
import type { TierLink } from "./tiers.ts";

/** Whether a stored state is brought to the engine that was granted, before it computes the prompt. */
export function decideImport(facts: ImportFacts): ImportDecision {
  const { bytes, storedTokens, heldTokens, isAlways = false } = facts;
  const backMs = importMs(facts.link, bytes);
  const savedMs = facts.prefillMs(heldTokens) - facts.prefillMs(storedTokens);
  const terms = { importMs: backMs, savedMs };
  if (storedTokens <= heldTokens) {
    const says = `its engine is believed to hold ${heldTokens} of these ${storedTokens} tokens`;
    return { brings: false, reasons: [{ rule: "held", says }], terms };
  }
  const times = `${Math.round(backMs)} ms to bring ${storedTokens} tokens, ${Math.round(savedMs)} ms to compute what is not held of them`;
  if (isAlways) return { brings: true, reasons: [{ rule: "always", says: times }], terms };
  if (backMs * MARGIN >= savedMs) {
    return { brings: false, reasons: [{ rule: "recompute-is-quicker", says: times }], terms };
  }
  return { brings: true, reasons: [{ rule: "worth-it", says: times }], terms };
}

export type ImportFacts = {
  /** Of the prompt, in the stored state. */
  readonly storedTokens: number;
  /** All of the state has to come, whatever the engine holds. */
  readonly bytes: number;
  readonly heldTokens: number;
  /** Prefill of the whole prompt with so many of its tokens cached, ms. */
  readonly prefillMs: (cachedTokens: number) => number;
  readonly link: TierLink;
  /** The pool asks for neither time nor money. */
  readonly isAlways?: boolean;
};

export type ImportDecision = {
  readonly brings: boolean;
  readonly reasons: readonly KvReason[];
  readonly terms: { readonly importMs: number; readonly savedMs: number };
};
