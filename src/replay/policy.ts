import type { Fleet, Phase } from "../core/fleet.ts";
import type { Speeds } from "../core/plan/speeds.ts";
import type { Random } from "../core/random.ts";
import type { Speed } from "../core/speed.ts";
import type { PrefixModel } from "./prefix-model.ts";

/**
 * Decides where requests go. One instance stands at each edge and knows only what it was shown and told, unless its
 * `PolicyEntry` says that the whole fleet shares one. Everything it keeps is its own; chance is `setup.random`.
 */
export type Policy = {
  /** A request arrived: send it, keep it, or refuse it. Time is `setup.now()`. */
  route(request: ReplayRequest): Route;
  /** The prefill leg of a split request is done; as late as reports are in this run. */
  prefilled?(request: ReplayRequest, report: Report): void;
  /** Its first token was seen; as late as reports are in this run. */
  firstToken?(request: ReplayRequest, report: Report): void;
  /** It ended, well or not; as late as reports are in this run. Requests refused or never sent are not reported. */
  finished?(request: ReplayRequest, report: Report): void;
};

/** How to make a policy; `name` is what `--policy` takes. */
export type PolicyEntry = {
  readonly name: string;
  /** `edge`: an instance per edge with no word between them; `fleet`: one for all. */
  readonly instances: "edge" | "fleet";
  create(setup: PolicySetup): Policy;
};

/** What an instance is given for its life. */
export type PolicySetup = {
  readonly fleet: FleetView;
  /** The fleet as `plan` and `grant` know it. */
  readonly mesh: Fleet;
  readonly speeds: Speeds;
  readonly random: Random;
  /** Virtual milliseconds. */
  now(): number;
  /** Sends a request for which `route` answered `hold`. */
  dispatch(request: ReplayRequest, route: Send | Refuse): void;
  /** Calls back once, `delayMs` from now: for queues, and for what takes a round trip. */
  after(delayMs: number, run: () => void): void;
  /** An empty model of prefix caches, one LRU per engine of `capacityTokens` each, that the policy itself feeds. */
  prefixModel(capacityTokens?: number): PrefixModel;
  /** Tokens of one block of `request.blocks`, the same for all requests of a run. */
  readonly blockTokens: number;
};

/** One request as a router sees it. Objects are the same from `route` to `finished`. */
export type ReplayRequest = {
  /** Position in the run, from 0. */
  readonly index: number;
  /** When it reached its edge, virtual milliseconds. */
  readonly atMs: number;
  readonly edge: number;
  /** Region of that edge. */
  readonly region: string;
  readonly model: string;
  readonly promptTokens: number;
  /** What a router may expect: history, `max_tokens` or the model's default; the truth is not told. */
  readonly expectedOutputTokens: number;
  /**
   * Ids of the prompt's full blocks, first to last, `blockTokens` each. An id names the block and everything before
   * it: two requests share a prefix exactly as far as their ids are equal. Empty where the trace has no hashes.
   */
  readonly blocks: Int32Array;
  /** Conversation it belongs to; -1 where the trace does not say. */
  readonly session: number;
  /** Turn in that conversation, from 0. */
  readonly turn: number;
  readonly tenant: number;
  /** Larger is more urgent; 0 unless the trace says. */
  readonly priority: number;
};

/** The fleet as this instance sees it: as it is, or as it was `ageMs` ago. */
export type FleetView = {
  /** By engine number; the same objects throughout, with fields brought up to date before each call of the policy. */
  readonly engines: readonly EngineGauges[];
  /** How old gauges and matches are, ms; 0 is exact knowledge. */
  readonly ageMs: number;
  /** Prompt tokens of the request that the engine's prefix cache held `ageMs` ago; never the whole prompt. */
  matchTokens(engine: number, request: ReplayRequest): number;
  /** Round trip from a request's edge to an engine, ms. */
  rttMs(engine: number, request: ReplayRequest): number;
  /** Time to pull `tokens` of KV cache from one engine to another on idle links, ms; Infinity without a link. */
  pullMs(from: number, to: number, tokens: number): number;
};

/** What an engine's metrics would tell. */
export type EngineGauges = {
  /** Number in the fleet, from 0. */
  readonly engine: number;
  readonly id: string;
  readonly pool: string;
  readonly region: string;
  readonly model: string;
  readonly roles: readonly Phase[];
  /** False where an engine that only decodes cannot prefill either; absent means it can. */
  readonly prefillsAtDecode?: boolean;
  /** Nominal; the engine may be off by the run's cost error. */
  readonly speed: Speed;
  readonly kvTokens: number;
  readonly maxBatch: number;
  /** Prompt tokens one iteration computes at most (`max_num_batched_tokens`). */
  readonly chunkTokens: number;
  readonly up: boolean;
  /** Uncached prompt tokens waiting or being computed, by what the cache held when they came. */
  readonly queuedTokens: number;
  /** The same as work at nominal speed, ms: what stands before a new prompt. */
  readonly queuedMs: number;
  /** Requests not yet admitted to the batch. */
  readonly waiting: number;
  /** Requests in the batch, prefilling or decoding. */
  readonly running: number;
  /** Those of them that decode, and the sum of their contexts. */
  readonly decoding: number;
  readonly decodingTokens: number;
  /** KV cache held by running requests, tokens; idle cached blocks do not count. */
  readonly kvUsedTokens: number;
};

/** What a policy answers. */
export type Route = Send | Hold | Refuse;

export type Send = {
  readonly kind: "send";
  /** Engine that decodes, and prefills too unless `prefill` says otherwise. */
  readonly engine: number;
  /** Engine that prefills and hands its KV cache over the link between the two. */
  readonly prefill?: number;
  /** Prefix to fetch before prefill: up to `tokens` counted from the prompt's start. */
  readonly pull?: { readonly from: number; readonly tokens: number };
  /** Until the engine has the request, ms; half the round trip unless told. */
  readonly reachMs?: number;
};

/** The policy keeps the request and will call `setup.dispatch`. */
export type Hold = { readonly kind: "hold" };

export type Refuse = { readonly kind: "refuse"; readonly reason: string };

/** What an engine tells of one request; figures known so far, 0 where not yet. */
export type Report = {
  /** Engine that decodes. */
  readonly engine: number;
  /** Engine that prefilled. */
  readonly prefill: number;
  readonly cachedTokens: number;
  readonly pulledTokens: number;
  readonly computedTokens: number;
  readonly outputTokens: number;
  /** When it truly happened, virtual milliseconds. */
  readonly atMs: number;
  readonly firstTokenAtMs: number;
  readonly failed: boolean;
};
