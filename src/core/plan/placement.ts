/** The words of a plan. `plan` chooses among placements; `explain` prints them. */
export type Mode = "together" | "disaggregated";

/** Predicted terms of one placement: milliseconds, dollars, joules. Their sum is `score`, in dollars. */
export type Terms = {
  readonly rttMs: number;
  readonly queueMs: number;
  readonly prefillMs: number;
  readonly handoffMs: number;
  readonly firstMs: number;
  readonly ttftMs: number;
  readonly tpotMs: number;
  readonly completionMs: number;
  readonly harmMs: number;
  /** What the objectives cost that others miss because of its prompt. */
  readonly harmUsd: number;
  readonly usd: number;
  readonly joules: number;
  readonly missProbability: number;
  /** What leaving the caches that are held elsewhere costs over the session's expected remaining turns. */
  readonly leaveUsd: number;
  /** Round trips of the session's expected remaining turns to where its cache will be. */
  readonly awayUsd: number;
  /** What the conversations lose whose caches make room for this one. */
  readonly evictUsd: number;
  readonly score: number;
};

/** One leg of a placement: the pool, and the engine the terms were computed with. */
export type LegPlace = {
  readonly pool: string;
  readonly engine: string;
  readonly heldTokens: number;
  /** Prefix tokens that it fetches from where the last turn was decoded, those it holds included. */
  readonly fetchedTokens?: number;
};

export type Placement = {
  readonly mode: Mode;
  /** Absent when the decode engine prefills. */
  readonly prefill?: LegPlace;
  readonly decode: LegPlace;
  readonly kvBytes: number;
  readonly terms: Terms;
};

export type Candidate = {
  readonly mode: Mode;
  readonly prefill?: string;
  readonly decode: string;
  readonly terms: Terms;
  readonly chosen: boolean;
};

/** What an edge believes of one engine at the moment of planning. */
export type EngineView = {
  readonly engine: string;
  /** Modelled prefill work ahead of a new request, ms. */
  readonly queueMs: number;
  /** Decodes running. */
  readonly batch: number;
  /** Sum of their contexts, tokens. */
  readonly batchTokens: number;
  /** Tokens of this request's prefix that the engine is believed to hold. */
  readonly heldTokens: number;
  /** Expected recompute of the conversations whose cache would make room for this one, ms; absent means none. */
  readonly displacedMs?: number;
  /** What it is worth to spare the engine, as it had more than its share of its pool's work, ms; absent means nothing. */
  readonly overworkMs?: number;
  /** Share of its time that prompts took lately, 0 and up; absent means none. */
  readonly promptShare?: number;
  /** Until the engine is expected to have KV cache free for this request, ms; absent where only `kvFreeTokens` is known. */
  readonly roomInMs?: number;
  readonly kvFreeTokens: number;
  /** Measured time over modelled time of prefill and decode (1 = as the device class says, 2 = twice as slow). */
  readonly prefillFactor: number;
  readonly decodeFactor: number;
  /** How far it is believed to hold what it should, 0 to 1; absent means wholly. `heldTokens` has it in it. */
  readonly heldTrust?: number;
  /** False while its breaker is open or it drains. */
  readonly healthy: boolean;
  /** Until it may be asked again, ms; 0 or absent where it may be now, or nobody knows. */
  readonly opensInMs?: number;
  /** True while it is left alone because it said that it is full. */
  readonly rests?: boolean;
  /** What was seen of a hosted pool, in place of its device's figures; `firstMs` is less what the prompt's tokens take. */
  readonly seen?: {
    readonly firstMs: number;
    readonly msPerToken: number;
    readonly stepMs: number;
  };
};

/** What a request asks of the fleet. */
export type Ask = {
  readonly model: string;
  readonly promptTokens: number;
  /** Of the longest of several prompts; absent where there is one. */
  readonly longestTokens?: number;
  readonly expectedOutputTokens: number;
  readonly bodyBytes: number;
  /** False for n > 1 and the like: such a request is never split. */
  readonly splittable: boolean;
  /** It is no chat, which some engines cannot take. */
  readonly isPlain?: boolean;
  /** Turns this session is expected to take after this one. */
  readonly remainingTurns: number;
  /** New prompt tokens a later turn of this session is expected to bring. */
  readonly tokensPerTurn: number;
  /** Where the last turn was decoded, when a prefill may fetch that conversation from there. */
  readonly kept?: { readonly engine: string; readonly tokens: number };
  /** Usual time between two turns of this session, ms; absent where nobody knows. */
  readonly gapMs?: number;
};

export type Plan = {
  /** Cheapest first; the first is the choice, the others what to fall back to. */
  readonly placements: readonly Placement[];
  readonly candidates: readonly Candidate[];
  /** Placements refused, counted by the filter that refused them. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly explored?: { readonly propensity: number };
};
