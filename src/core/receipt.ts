import type { Labels, Phase } from "./fleet.ts";
import type { KvTier } from "./kv-export/tiers.ts";
import type { Told } from "./leg.ts";
import type { Candidate, Mode, Terms } from "./plan/placement.ts";

export type Known = "reported" | "derived" | "assumed";

/** One stretch of tokens of one phase. Input segments tile `[0, promptTokens)`, output segments `[0, outputTokens)`. */
export type Segment = {
  readonly phase: Phase;
  readonly from: number;
  readonly to: number;
  /** Prefill only. `unknown` where the engine did not report its cache. */
  readonly kv?: "cached" | "computed" | "unknown";
  readonly engine: string;
  /** The engine behind an endpoint that chooses itself, by its name there, where it was told. */
  readonly toldEngine?: string;
  /** Cached, but not there: the engine that it came from before prefill. */
  readonly pulledFrom?: string;
  readonly device: string;
  readonly region: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly reason: string;
  /** Decode that went on with an answer whose engine was lost: as that would have, or drawn anew by chance. */
  readonly sequel?: "greedy" | "sampled-anew";
  readonly known: Known;
};

/** KV cache that was taken out of an engine after a turn or brought to one before a leg, or why it was not. */
export type KvMoved = {
  /** Absent where it was decided against. */
  readonly tier?: KvTier;
  readonly engine: string;
  readonly tokens?: number;
  readonly bytes?: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly reasons: readonly string[];
  /** It was tried, and nothing came of it. */
  readonly failed?: string;
};

/**
 * One leg that ran, whatever became of it. Token counts are absent where the engine did not report them; output that
 * came without a report is counted by its frames.
 */
export type Work = {
  readonly engine: string;
  /** `encode`: it was named to the leg of that request id, to encode media for it. */
  readonly leg: "prefill" | "decode" | "both" | "encode";
  readonly requestId: string;
  readonly outcome: "served" | "failed" | "cancelled";
  readonly why?: string;
  /** Another was to run it and did not tell whether it did: its tokens are those of the answer. Absent where it is known. */
  readonly known?: "assumed";
  readonly startedAt: number;
  readonly endedAt: number;
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
  readonly computedTokens?: number;
  readonly outputTokens?: number;
  /** What was stored of the conversation and its engine might lack. Absent where nothing was. */
  readonly imported?: KvMoved;
  /** A prefix that it was to pull from another engine, as predicted; `told.fetched` is what came. */
  readonly pull?: {
    readonly from: string;
    readonly tokens: number;
    readonly bytes: number;
    readonly ms: number;
    /** Its engine would not: it computed it instead. */
    readonly refused?: true;
  };
  /** What the endpoint told of whom it chose, or the engine of what it fetched. */
  readonly told?: Omit<Told, "pin">;
};

export type Forecast = {
  readonly ttftMs?: number;
  readonly tpotMs?: number;
  readonly cachedTokens?: number;
  /** KV cache that was handed over, and how long it was on its way. */
  readonly kvBytes?: number;
  readonly handoffMs?: number;
  readonly usd?: number;
  /** The same with nothing cached. */
  readonly uncachedUsd?: number;
  readonly joules?: number;
};

export type Receipt = {
  readonly object: "receipt";
  readonly version: 1;
  readonly id: string;
  readonly tenant: string;
  readonly session: string;
  readonly turn: number;
  readonly edge: string;
  readonly model: string;
  readonly workload?: string;
  readonly labels: Labels;
  readonly mode: Mode;
  readonly status: "completed" | "failed" | "cancelled";
  readonly error?: string;
  readonly createdAt: number;
  readonly endedAt: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly firstTokenFrom?: Phase;
  readonly segments: readonly Segment[];
  readonly work: readonly Work[];
  readonly waste: {
    readonly legs: number;
    readonly promptTokens: number;
    readonly outputTokens: number;
  };
  readonly candidates: readonly Candidate[];
  readonly refusals: Readonly<Record<string, number>>;
  readonly predicted: Forecast;
  readonly actual: Forecast;
  readonly runnerUp?: { readonly placement: string; readonly terms: Terms };
  readonly explored?: { readonly propensity: number };
  /** The conversation's KV cache, where its engine can give it out. */
  readonly exported?: KvMoved;
};
