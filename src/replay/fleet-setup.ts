import type { Fleet, Phase } from "../core/fleet.ts";
import type { Speeds } from "../core/plan/speeds.ts";
import type { Speed } from "../core/speed.ts";

/** A fleet to replay a trace against; its engines all serve one model. Plain data. */
export type FleetSetup = {
  /** The same fleet as planners know it. */
  readonly mesh: Fleet;
  readonly speeds: Speeds;
  readonly engines: readonly EngineSetup[];
  readonly links: readonly LinkSetup[];
  /** Round trip between two regions, ms; 0 inside one. */
  rttMs(from: string, to: string): number;
};

export type EngineSetup = {
  readonly id: string;
  readonly pool: string;
  readonly region: string;
  readonly model: string;
  readonly device: string;
  readonly roles: readonly Phase[];
  readonly speed: Speed;
  readonly kvTokens: number;
  readonly kvBytesPerToken: number;
  readonly maxBatch: number;
  /** Prompt tokens, and prompts, that one iteration computes at most. */
  readonly chunkTokens: number;
  readonly promptsPerIteration: number;
  /** False where decode is somebody else's and never waits: only prefill is replayed. */
  readonly decodes: boolean;
  /** What the engine's own network port carries each way, bytes per ms. */
  readonly portBytesPerMs: number;
};

/** KV cache can go from any engine of one pool to any of another (or the same). */
export type LinkSetup = {
  readonly from: string;
  readonly to: string;
  /** What all transfers between the two pools share, and what one reaches at most, bytes per ms. */
  readonly bytesPerMs: number;
  readonly perFlowBytesPerMs: number;
  readonly setupMs: number;
  readonly usdPerGB: number;
};

/** What a replay varies beside trace, fleet and policy. */
export type RunOptions = {
  readonly seed: number;
  /** Requests arrive at this many edges in turn of chance. */
  readonly edges: number;
  /** Regions that edges stand in, one after another; the engines' regions unless told. */
  readonly edgeRegions?: readonly string[];
  /** How old what edges see of the fleet is, ms. */
  readonly staleMs: number;
  /** How late first tokens and ends are reported to policies, ms, at least and at most. */
  readonly reportMs?: readonly [number, number];
  /** Prefill really takes between 1 − x and 1 + x of its nominal time. */
  readonly costError?: number;
  /** Engines that restart, losing requests and caches. */
  readonly restarts?: readonly { readonly engine: number; readonly atMs: number }[];
};
