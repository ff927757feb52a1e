import type { Holding, Kept, SessionStats, StoredKv } from "../core/session/state.ts";
import type { StoredItems, StoredResponse } from "../core/stored-response.ts";

export type { Holding, Kept, SessionStats, StoredKv } from "../core/session/state.ts";

/** Messages between the edge and a `Session` object. Additive changes only; see DESIGN §2. */
export const SESSION_MESSAGES_VERSION = 1;

export type OpenAsk = {
  readonly v: 1;
  readonly tenant: string;
  readonly model: string;
  /** 8 bytes per link, root excluded, big-endian, concatenated. */
  readonly chain: Uint8Array;
  /** 16 hex digits each: what identifies the assistant messages in this request, oldest first, at most the last 8. */
  readonly answers: readonly string[];
  /** True when the name came from the conversation itself: leaving it forks. */
  readonly inferred: boolean;
  readonly now: number;
};

export type OpenAnswer = {
  readonly v: 1;
  /** Branch of the conversation this turn continues; 0 is the trunk. A fork gets a number of its own. */
  readonly branch: number;
  /** Turns settled in this branch so far. */
  readonly turns: number;
  /** Engines that hold a prefix of exactly this chain, best first. */
  readonly holdings: readonly Holding[];
  readonly stats: SessionStats;
  /** Where the last turn of this very conversation was decoded, and how its cache is fetched from there. */
  readonly kept?: Kept;
  /** A state of this conversation outside of engines, cut to what of the prompt it covers. */
  readonly stored?: StoredKv;
};

export type SettleAsk = {
  readonly v: 1;
  readonly tenant: string;
  readonly model: string;
  /** Names the turn; settling it twice changes nothing. */
  readonly requestId: string;
  readonly branch: number;
  readonly inferred: boolean;
  readonly chain: Uint8Array;
  /** Characters of the canonical prompt behind `chain`. */
  readonly chars: number;
  /** Identifies the generated answer as the next request will carry it; absent if cut short. */
  readonly answer?: string;
  /** The `answers` the turn was opened with: they tell a rewritten history from a fork. */
  readonly answers?: readonly string[];
  readonly status: "completed" | "failed" | "cancelled";
  readonly promptTokens: number;
  readonly cachedTokens?: number;
  readonly outputTokens: number;
  readonly usd: number;
  /** Dollars that the turn would have cost more with nothing cached; absent where nobody knows. */
  readonly savedUsd?: number;
  /** True where there was a session already when it was opened: if that is gone now, it was erased meanwhile. */
  readonly existed?: boolean;
  readonly receipt: string;
  /** The `Once` object that keeps its answer, where it came with an idempotency key. */
  readonly once?: string;
  readonly holdings: readonly Holding[];
  /** Engines found to hold nothing any more (restarted, evicted). */
  readonly lost: readonly string[];
  readonly kept?: Kept;
  /** Key in R2 under which the turn's KV cache is about to be written. */
  readonly blob?: string;
  /** Id of a stored state that could not be read or taken. */
  readonly spoiled?: string;
  readonly now: number;
};

/** Keeps the KV cache of a settled branch: its bytes come with it for `edge`, and are in R2 already for `object`. */
export type KeepKvAsk = {
  readonly v: 1;
  readonly tenant: string;
  readonly branch: number;
  readonly kv: StoredKv;
};

export type SettleAnswer = { readonly v: 1; readonly turn: number; readonly branch: number };

export type StoreAsk = {
  readonly v: 1;
  readonly tenant: string;
  readonly model: string;
  /** Names the response in this session; storing it twice changes nothing. */
  readonly number: number;
  /** The response of this session that it goes on from. */
  readonly previous?: number;
  /** It goes on from whatever the session's conversation has come to by then, which moves on to it. */
  readonly conversation?: boolean;
  readonly stored: StoredResponse;
  readonly now: number;
};

export type RecallAsk = {
  readonly v: 1;
  readonly tenant: string;
  /** The response that is wanted with all those it goes on from. */
  readonly chainOf?: number;
  /** Wanted instead: what the session's conversation has come to. */
  readonly conversation?: boolean;
  /** Others that are wanted alone. */
  readonly numbers: readonly number[];
};

export type RecallAnswer = {
  readonly v: 1;
  /** Oldest first; empty where the response, or one that it goes on from, is not there. */
  readonly chain: readonly ChainedResponse[];
  /** The session's conversation, if one was asked for and is there. */
  readonly conversation?: ConversationFacts;
  /** Those of `numbers` that are there. */
  readonly found: ReadonlyMap<number, StoredResponse>;
};

export type ChainedResponse = StoredItems & { readonly number: number };

/** What a conversation is, its items apart. */
export type ConversationFacts = {
  /** Epoch ms. */
  readonly createdAt: number;
  readonly metadata: Readonly<Record<string, string>>;
};

export type ConverseAsk = {
  readonly v: 1;
  readonly tenant: string;
  /** Makes the conversation, or changes what is noted of it; `end` ends it. */
  readonly facts: ConversationFacts | "end";
};

/** `GET /v1/sessions/{id}`. */
export type SessionView = {
  readonly object: "session";
  readonly id: string;
  readonly model: string;
  /** When it is forgotten unless it is used before, epoch ms. */
  readonly expiresAt: number;
  readonly stats: SessionStats;
  readonly branches: readonly {
    readonly branch: number;
    readonly turns: number;
    readonly links: number;
    readonly residency: readonly (
      | (Omit<Holding, "pin"> & { readonly until?: number })
      | StoredHolding
    )[];
  }[];
  readonly recentTurns: readonly {
    readonly n: number;
    readonly receipt: string;
    readonly status: string;
    readonly promptTokens: number;
    readonly cachedTokens?: number;
    readonly outputTokens: number;
    readonly at: number;
  }[];
};

/** KV cache that no engine holds; `from` is the engine that computed it. */
export type StoredHolding = Pick<StoredKv, "tier" | "links" | "tokens" | "bytes" | "at"> & {
  readonly from: string;
  readonly known: "reported";
};
