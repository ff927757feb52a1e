import type { LegKind } from "../core/leg.ts";

/** One leg of one request inside a `FleetEngine`, which alone changes it. */
export class FleetLeg {
  /** Number in the run. */
  readonly id: number;
  readonly request: number;
  readonly kind: LegKind;
  readonly engine: number;
  readonly promptTokens: number;
  /** Tokens to say; a prefill leg says one. */
  readonly outputTokens: number;
  readonly blocks: Int32Array;
  /** True over nominal prefill time of this request. */
  readonly costFactor: number;
  /** Engine to fetch KV cache from before computing, -1 for none, and how far into the prompt. */
  readonly pullFrom: number;
  readonly pullTokens: number;
  /** `reserved`: it has its blocks and waits for its turn. */
  phase: "waiting" | "reserved" | "prefill" | "decode" | "over" = "waiting";
  isLoading = false;
  /** Its turn came while it was still loading. */
  isParked = false;
  /** Blocks it needs from beginning to end, and how many of them are named by now. */
  needBlocks = 0;
  /** Life of the engine in which it took them. */
  generation = 0;
  named = 0;
  cachedTokens = 0;
  pulledTokens = 0;
  /** Where computing began, how many tokens have their KV cache by now, and will have after this iteration. */
  startedAt = 0;
  done = 0;
  chunkTo = 0;
  /** Part of the engine's gauges that is this leg's. */
  queuedTokens = 0;
  queuedMs = 0;

  constructor(given: {
    readonly id: number;
    readonly engine: number;
    readonly request: number;
    readonly kind: LegKind;
    readonly promptTokens: number;
    readonly outputTokens: number;
    readonly blocks: Int32Array;
    readonly costFactor: number;
    readonly pullFrom: number;
    readonly pullTokens: number;
  }) {
    this.id = given.id;
    this.engine = given.engine;
    this.request = given.request;
    this.kind = given.kind;
    this.promptTokens = given.promptTokens;
    this.outputTokens = given.outputTokens;
    this.blocks = given.blocks;
    this.costFactor = given.costFactor;
    this.pullFrom = given.pullFrom;
    this.pullTokens = given.pullTokens;
  }
}
