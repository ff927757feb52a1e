import type { ToldLoad } from "../core/grant/foreign.ts";
import type { Standing } from "../core/grant/queue.ts";
import type { Reserved } from "../core/grant/reserve.ts";
import type { ToldLimits } from "../core/hosted/limits.ts";
import type { Ask } from "../core/plan/placement.ts";
import type { Fetched, LegHints, LegKind, Told, Usage } from "../core/leg.ts";
import type { Media } from "../core/media.ts";

/**
 * Where requests meet engines. Callers reserve a leg, run it, and say how it went; who answers (this isolate, or a
 * Region object beside the engines) is not theirs to know.
 */
export type RegionService = {
  /**
   * Asks for an engine of `pool`. Answers at once. `ahead` is what its caller will run on it without asking anything
   * more: a region that can begins it as it grants.
   */
  reserve(ask: ReserveAsk, ahead?: LegAhead): Promise<ReserveAnswer>;
  /** Asks after a leg in a queue; held until it may go or its caller has left, 5 s at most. */
  claim(ask: ClaimAsk, signal?: AbortSignal): Promise<ReserveAnswer>;
  /** Gives up a place in a queue. */
  withdraw(ask: ClaimAsk): void;
  /** Runs a granted leg. Resolves at its first content frame (or whole answer), or with why it failed. */
  run(leg: LegOrder, signal: AbortSignal): Promise<LegAnswer>;
  /** Reports what became of a grant and frees what it held. Idempotent. */
  report(report: LegReport): void;
  /** True when the engine tells its cached tokens, so that a report without them means none. May take a probe. */
  reportsCache(engine: string): Promise<boolean>;
};

export type ReserveAsk = {
  readonly v: 1;
  readonly requestId: string;
  readonly leg: LegKind;
  readonly pool: string;
  readonly ask: Ask;
  readonly chain: Uint8Array;
  /** Tokens up to and including each link of `chain`. */
  readonly linkTokens: Uint32Array;
  /** Engine id → prefix tokens its session believes it holds. */
  readonly held: Readonly<Record<string, number>>;
  /** Engine id → when the session last had reason to believe that, epoch ms. */
  readonly heldAt: Readonly<Record<string, number>>;
  readonly standing: Standing;
  /** Engines that have already failed this request. */
  readonly avoid: readonly string[];
  /** The decode leg of a split request brings its prefix along: nothing to prefill. */
  readonly handedTokens: number;
  readonly now: number;
};

/** What an edge asks before it plans: what is believed of one pool's engines. */
export type ViewAsk = {
  readonly pool: string;
  readonly chain: Uint8Array;
  readonly linkTokens: Uint32Array;
  readonly held: Readonly<Record<string, number>>;
  readonly now: number;
};

/** A granted engine, a place in the queue, or why neither. */
export type ReserveAnswer = Reserved;

export type ClaimAsk = { readonly v: 1; readonly pool: string; readonly ticket: string };

export type LegOrder = {
  readonly v: 1;
  readonly ticket: string;
  readonly engine: string;
  readonly leg: LegKind;
  /** The same on both legs of a request; differs between attempts. */
  readonly requestId: string;
  /** Path below the engine's URL, such as `/v1/chat/completions`. */
  readonly path: string;
  /** The client's own bytes; the region changes the members its dialect must. */
  readonly body: Uint8Array;
  readonly stream: boolean;
  /** It is answered with vectors of its prompts, in place of a completion. */
  readonly embeds?: boolean;
  /** Parts the tenant's caches from others', on engines that take a salt. */
  readonly cacheSalt?: string;
  /** Tells the request's conversation from others, and nothing else. */
  readonly session?: string;
  readonly hints?: LegHints;
  /** By engine id, what it told when it served this session last; see `Told`. */
  readonly pins?: Readonly<Record<string, string>>;
  /** What the prefill leg answered, for a decode leg; what an engine said of a state it was given, for one of both. */
  readonly handoff?: string;
  /** What an earlier turn's decode engine said of where a prefill leg may fetch the conversation. */
  readonly kept?: string;
  /** Its engine is to leave prompt and answer under a handle, so that they can be kept elsewhere. */
  readonly keeps?: boolean;
  /** The engine to pull the prompt's cached prefix from before prefill, as it was granted. */
  readonly pull?: string;
  /** Both engines of a split request whose legs meet by a name of ours, which is a decimal integer below 2^53. */
  readonly split?: {
    readonly prefill: string;
    readonly decode: string;
    readonly rendezvous: string;
  };
  /** The media of the prompt, in order; absent where none of it is to be encoded elsewhere. */
  readonly media?: readonly Media[];
  /** Least share of the prompt that the decode engine must hold to go ahead, 0..1; below it declines. */
  readonly cacheThreshold?: number;
  readonly firstTokenTimeoutMs: number;
  readonly idleTimeoutMs: number;
};

/** An order before it is known where it goes. */
export type LegAhead = Omit<LegOrder, "ticket" | "engine" | "handoff" | "pull" | "split">;

export type LegAnswer = {
  /** What the engine told with it. */
  readonly load?: ToldLoad;
  /** The engine refused to pull from where it was told to, and served the leg without. */
  readonly refusedPull?: true;
} & LegBegun;

type LegBegun =
  | {
      readonly ok: true;
      readonly kind: "prefilled";
      readonly handoff: string | undefined;
      readonly usage: Usage | undefined;
      readonly told?: Told;
    }
  | {
      readonly ok: true;
      readonly kind: "answering";
      readonly contentType: string;
      /** Begins with everything the engine sent, from its first byte. */
      readonly body: ReadableStream<Uint8Array>;
      /** What the answer's headers told, where they told any. */
      readonly rateLimits?: ToldLimits;
    }
  /** A decode engine held less than `cacheThreshold` of the prompt, and did nothing. */
  | { readonly ok: true; readonly kind: "declined" }
  | {
      readonly ok: false;
      readonly failure: LegFailure;
      readonly rateLimits?: ToldLimits;
    };

export type LegFailure = {
  /** `caller`: the engine refused the request itself (4xx): it goes back as it is. Everything else may fall back. */
  readonly kind:
    | "caller"
    | "unreachable"
    | "status"
    | "overloaded"
    | "stalled"
    | "malformed"
    | "aborted";
  readonly message: string;
  /**
   * Of a split: the other engine is at fault, or what lies between them (`other`); or nobody can tell (`either`). Of a
   * prompt with media: an engine that should have encoded it (`encoder`).
   */
  readonly blames?: "other" | "either" | "encoder";
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly body?: Uint8Array;
  readonly contentType?: string;
  /** Of `caller`, before any engine was asked: the plan's filters that no pool can pass with this request. */
  readonly refusedBy?: readonly string[];
};

export type LegReport = {
  readonly v: 1;
  readonly ticket: string;
  readonly event: "first-token" | "done" | "failed" | "released";
  readonly usage?: Usage;
  /** What came of the prefix that it was to pull, or that its engine would not; absent where nobody told. */
  readonly fetched?: Fetched | "refused";
  readonly elapsedMs?: number;
  /** `handoff`: it, or the other engine of the split, or what lies between them. */
  readonly failure?: LegFailure["kind"] | "handoff";
  /** What an overloaded engine asked for. */
  readonly retryAfterMs?: number;
  readonly now: number;
};
