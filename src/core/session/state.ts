import type { KvTier } from "../kv-export/tiers.ts";

/** What a session remembers between turns: one JSON-plain value, rewritten whole. */
export type SessionState = {
  readonly version: 1;
  /** Empty before the first settled turn. */
  readonly tenant: string;
  /** Model of the last settled turn. */
  readonly model: string;
  readonly stats: SessionStats;
  /** Of the newest completed turns, in order of time: the averages of `stats` come from them. */
  readonly paces: readonly Pace[];
  /** At most `maxBranches`; the least recently used is dropped. */
  readonly branches: readonly Branch[];
  /** Number the next fork gets; numbers are never used twice. */
  readonly nextBranch: number;
  /** Engine → when it was last found to hold nothing any more, epoch ms; the newest `maxLost`. */
  readonly lost: Readonly<Record<string, number>>;
  /** The last `maxSettled` turns, oldest first, so that settling twice changes nothing. */
  readonly settled: readonly Settled[];
  /** Keys in R2 under which something of this session is or may come to be; absent when none. */
  readonly blobs?: readonly string[];
};

/** One line of the conversation. Agents that share a beginning have a branch each. */
export type Branch = {
  readonly n: number;
  readonly model: string;
  readonly turns: number;
  /** Base64 of 8-byte links, at most `maxLinks` of them. */
  readonly chain: string;
  /** Prompt tokens behind `chain`. */
  readonly promptTokens: number;
  /** Identifies the last answer as the next request will carry it; empty when it was cut short. */
  readonly answerKey: string;
  /** Answers that it went on from, at most `maxPast`: a turn that gave one of them is told late. */
  readonly past: readonly string[];
  readonly holdings: readonly Holding[];
  readonly kept?: Kept;
  readonly stored?: StoredKv;
  /** Epoch ms. */
  readonly lastAt: number;
};

/** KV cache of a branch that was taken out of its engine: in rows of its session (`edge`) or in R2 (`object`). */
export type StoredKv = {
  /** Names it; its encryption key is derived from that. */
  readonly id: string;
  readonly tier: KvTier;
  /** Its key in R2, for `object`. */
  readonly key?: string;
  /** Chain links of the prompt it was made of, counted from the root. */
  readonly links: number;
  /** Of prompt and answer, by its engine's count. */
  readonly tokens: number;
  /** As it is stored. */
  readonly bytes: number;
  /** Where it was computed. */
  readonly engine: string;
  /** Engine id → what told its process from later ones when it was last seen to hold the conversation, where it said. */
  readonly instances?: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly at: number;
};

/**
 * A handle to the KV cache of prompt and answer at the engine that decoded a branch's last turn. Whoever prefills the
 * next turn may fetch it from there, once.
 */
export type Kept = {
  readonly engine: string;
  /** The engine's own JSON text. */
  readonly raw: string;
  readonly tokens: number;
  /** When the engine may let it go, with time to spare, epoch ms. */
  readonly until: number;
};

/** An engine that is believed to hold a prefix of this conversation's KV cache. */
export type Holding = {
  readonly engine: string;
  /** Chain links held, counted from the root; links close at message ends and every 2 KB. */
  readonly links: number;
  /** Prompt-side tokens those links were, as the engine counted them when it said so, else estimated. */
  readonly tokens: number;
  readonly tier: string;
  readonly known: "reported" | "assumed";
  /** Epoch ms. */
  readonly at: number;
  /** What sends later turns to the same engines behind its URL; see `Told`. */
  readonly pin?: string;
};

export type SessionStats = {
  readonly turns: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly usd: number;
  /** Dollars that turns would have cost more with nothing cached, of those where that is known. */
  readonly savedUsd: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Moving averages over the newest turns, 0 before the first. */
  readonly outputPerTurn: number;
  readonly newPromptPerTurn: number;
  readonly gapMs: number;
  /** Characters per token as the engines counted; 0 when unknown. */
  readonly charsPerToken: number;
};

/** What one turn says of the pace of its conversation. */
export type Pace = {
  readonly requestId: string;
  /** Epoch ms. */
  readonly at: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly chars: number;
  /** Identifies its answer; empty when it was cut short. */
  readonly answer: string;
  /** The answer that its request went on from; empty in a first turn. */
  readonly after: string;
};

export type Settled = {
  readonly requestId: string;
  readonly turn: number;
  readonly branch: number;
};

/** What of a request decides where it belongs. */
export type Opening = {
  readonly model: string;
  readonly chain: Uint8Array;
  /** What identifies the assistant messages in the request, oldest first. */
  readonly answers: readonly string[];
  /** Epoch ms; without it nothing is given out that lapses. */
  readonly now?: number;
};

/** What became of a turn. */
export type Settlement = {
  readonly tenant: string;
  readonly model: string;
  readonly requestId: string;
  readonly branch: number;
  readonly chain: Uint8Array;
  readonly chars: number;
  readonly answers?: readonly string[];
  readonly answer?: string;
  readonly status: "completed" | "failed" | "cancelled";
  readonly promptTokens: number;
  readonly cachedTokens?: number;
  readonly outputTokens: number;
  readonly usd: number;
  readonly savedUsd?: number;
  readonly holdings: readonly Holding[];
  readonly kept?: Kept;
  readonly lost: readonly string[];
  /** Key in R2 under which its KV cache is about to be written. */
  readonly blob?: string;
  /** A stored state that could not be read or taken: it is dropped. */
  readonly spoiled?: string;
  /** Epoch ms. */
  readonly now: number;
};

export const maxBranches = 8;
export const maxHoldings = 8;
/** Keys in R2 that are remembered; each was deleted when another took its place, and the last of all are once more. */
export const maxBlobs = 32;
export const maxSettled = 32;
export const maxPast = 16;
export const maxLost = 16;
/** Links kept of one chain; a longer conversation is matched by its first ones. */
export const maxLinks = 4000;
/** Longest handle that is remembered, characters: one of 64k tokens in blocks of 16. */
export const maxKeptChars = 32_000;

const emptyStats: SessionStats = {
  turns: 0,
  promptTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  usd: 0,
  savedUsd: 0,
  firstAt: 0,
  lastAt: 0,
  outputPerTurn: 0,
  newPromptPerTurn: 0,
  gapMs: 0,
  charsPerToken: 0,
};

/** A session nobody has used, or whose snapshot was lost. */
export const emptySession: SessionState = {
  version: 1,
  tenant: "",
  model: "",
  stats: emptyStats,
  paces: [],
  branches: [],
  nextBranch: 0,
  lost: {},
  settled: [],
};
