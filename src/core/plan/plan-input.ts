import type { Fleet, Labels, Phase } from "../fleet.ts";
import type { Random } from "../random.ts";
import type { Ask, EngineView } from "./placement.ts";
import type { Speeds } from "./speeds.ts";

/** What the planner may know of a dialect; `engines/dialect.ts` knows more. */
export type PhaseCapabilities = {
  readonly roles: readonly Phase[];
  readonly order: "serial" | "concurrent" | "either";
  readonly prefillsAtDecode: boolean;
  /** They serve nothing but chats. */
  readonly isChatOnly?: boolean;
  /** Absent means yes. */
  readonly keepsDecodePrefix?: boolean;
};

/** Everything a plan depends on. */
export type PlanInput = {
  readonly fleet: Fleet;
  readonly speeds: Speeds;
  readonly labels: Labels;
  readonly ask: Ask;
  /** Round trip from this edge to a region, ms. */
  readonly rttMs: (region: string) => number;
  readonly uploadMsPerMB: number;
  /** What the edge believes of a pool's engines; empty means unknown, and is planned as idle and empty. */
  readonly views: (pool: string) => readonly EngineView[];
  /** Engines that have already failed this request. */
  readonly avoid: ReadonlySet<string>;
  readonly capabilities: (dialect: string) => PhaseCapabilities;
  readonly random: Random;
  /** Share of requests that choose at random among near-equal placements; 0.01 unless told. */
  readonly exploreRate?: number;
  /** Multiplies the value of time of the request's urgency; 1 unless told. */
  readonly valueScale?: number;
  /** `full` keeps every candidate; otherwise the best nine are kept. */
  readonly explain?: "full";
};
