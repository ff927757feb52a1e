import { transferMs } from "../speed.ts";
import { expectedReuse, type Rhythm } from "./reuse.ts";
import { type KvTier, kvTiers, type TierLink } from "./tiers.ts";

/**
 * Whether the KV cache of a conversation is taken out of its engine after a turn, and into which tier: where the next
 * turn is likely to need it, and bringing it back is so much quicker than computing it again that the time saved is
 * worth what keeping it costs.
 */
export function decideExport(facts: ExportFacts): ExportDecision {
  const { mode = "auto", bytes, recomputeMs, rhythm, keptMs } = facts;
  if (mode === "never") return refused("never", "its pool exports nothing");
  if (bytes <= 0 || facts.tokens <= 0) return refused("nothing", "there is nothing to keep");
  const reuse = expectedReuse(rhythm, keptMs);
  const judged = facts.tiers.map((offer) => judge(offer, facts, reuse.chance));
  const [best] = judged
    .filter(({ isWorth }) => isWorth)
    .toSorted((one, other) => other.gainUsd - one.gainUsd);
  const chances = `${percent(reuse.returns)} that another turn comes, ${percent(reuse.lost)} that its engine has lost it by then`;
  return {
    tier: best?.tier,
    reasons: [
      { rule: "reuse", says: `${percent(reuse.chance)} expected reuse: ${chances}` },
      ...judged.map(({ reason }) => reason),
    ],
    terms: { reuse: reuse.chance, recomputeMs, ...(best && { importMs: best.importMs }) },
  };
}

export type ExportFacts = {
  readonly tokens: number;
  /** Of the state as it would be stored. */
  readonly bytes: number;
  /** To compute those tokens anew where it was decoded, ms. */
  readonly recomputeMs: number;
  readonly rhythm: Rhythm;
  /** How long a session is kept without a turn, ms. */
  readonly keptMs: number;
  /** Tiers there are, and the way from the engine to each. */
  readonly tiers: readonly TierOffer[];
  /** What a millisecond is worth that the next turn does not wait, its engine's own price included. */
  readonly usdPerMs: number;
  /** As the pool says; `always` asks neither for time nor for money, only whether it fits. */
  readonly mode?: ExportMode;
};

export type ExportMode = "auto" | "never" | "always";

export type TierOffer = { readonly tier: KvTier; readonly link: TierLink };

export type ExportDecision = {
  /** Undefined where it is left to be computed again. */
  readonly tier: KvTier | undefined;
  readonly reasons: readonly KvReason[];
  readonly terms: {
    readonly reuse: number;
    readonly recomputeMs: number;
    readonly importMs?: number;
  };
};

/** One reason, as a rule's name and in words with its figures. */
export type KvReason = {
  readonly rule:
    | "never"
    | "always"
    | "nothing"
    | "reuse"
    | "too-large"
    | "recompute-is-quicker"
    | "costs-more"
    | "worth-it"
    | "held";
  readonly tier?: KvTier;
  readonly says: string;
};

/** Time to bring a state from a tier into an engine, ms. */
export function importMs({ gbps, rttMs }: TierLink, bytes: number): number {
  return transferMs({ gbps, perFlowGbps: gbps, rttMs }, bytes) + bytes / LOADED_BYTES_PER_MS;
}

/** Engines decrypt, check and load a state at about 500 MB/s. */
const LOADED_BYTES_PER_MS = 500_000;
/** Both times are predictions: bringing it back has to be quicker by so much. */
export const MARGIN = 1.5;

type Judged = {
  readonly tier: KvTier;
  readonly isWorth: boolean;
  readonly gainUsd: number;
  readonly importMs: number;
  readonly reason: KvReason;
};

function judge({ tier, link }: TierOffer, facts: ExportFacts, chance: number): Judged {
  const { bytes, recomputeMs, usdPerMs, mode } = facts;
  const { maxBytes, usd, usdPerMB } = kvTiers[tier];
  const backMs = importMs(link, bytes);
  const savedUsd = chance * (recomputeMs - backMs) * usdPerMs;
  // Whatever crosses to the tier comes back with the chance of its use.
  const costUsd = usd + (bytes / 1e6) * usdPerMB + (bytes / 1e9) * link.usdPerGB * (1 + chance);
  const as = (rule: KvReason["rule"], isWorth: boolean, says: string): Judged => ({
    tier,
    isWorth,
    gainUsd: savedUsd - costUsd,
    importMs: backMs,
    reason: { rule, tier, says: `${tier}: ${says}` },
  });
  if (bytes > maxBytes) return as("too-large", false, `${mb(bytes)} is over ${mb(maxBytes)}`);
  const times = `${ms(backMs)} to bring ${mb(bytes)} back at ${link.gbps} Gb/s, ${ms(recomputeMs)} to compute it again`;
  if (mode === "always") return as("always", true, `its pool always exports; ${times}`);
  if (backMs * MARGIN >= recomputeMs) return as("recompute-is-quicker", false, times);
  const money = `${dollars(costUsd)} to keep, ${dollars(savedUsd)} expected to be saved`;
  if (savedUsd <= costUsd) return as("costs-more", false, `${money}; ${times}`);
  return as("worth-it", true, `${money}; ${times}`);
}

function refused(rule: KvReason["rule"], says: string): ExportDecision {
  return { tier: undefined, reasons: [{ rule, says }], terms: { reuse: 0, recomputeMs: 0 } };
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

function mb(bytes: number): string {
  return `${Number((bytes / 1e6).toPrecision(3))} MB`;
}

function ms(value: number): string {
  return `${Number(value.toPrecision(3))} ms`;
}

function dollars(usd: number): string {
  return `$${Number(usd.toPrecision(2))}`;
}
