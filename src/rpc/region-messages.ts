import type { ToldLoad } from "../core/grant/foreign.ts";
import type { KvTold } from "../core/grant/kv-events.ts";
import type { Probe } from "../core/grant/probes.ts";
import type { PullEnd } from "../core/grant/pulled.ts";
import type { GrantAsk, Granted, Refused } from "../core/grant/grant.ts";
import type { Standing } from "../core/grant/queue.ts";
import type { EngineView } from "../core/plan/placement.ts";

/**
 * Messages between a caller and a `Region` object. Additive changes only; see DESIGN §2. Every time in them is relative,
 * as no two clocks agree.
 */
export const REGION_MESSAGES_VERSION = 1;

export type RegionReserve = {
  readonly v: 1;
  /** A region's id in `mesh.json`; `use1/cpx-use1` where its pools have objects of their own. */
  readonly region: string;
  readonly wanted: GrantAsk;
  /** Engine id → how long ago the session last had reason to believe what it holds there, ms. */
  readonly heldAgesMs?: Readonly<Record<string, number>>;
  readonly standing: Omit<Standing, "deadlineAt"> & { readonly deadlineInMs: number };
  /** Age of the snapshot the caller has, ms; Infinity without one. */
  readonly snapshotAgeMs: number;
  readonly reports: RegionReports;
};

/** What a caller has to tell of earlier grants; telling it again changes nothing. */
export type RegionReports = {
  readonly events: readonly RegionEvent[];
  /** Grants of this caller that still run. */
  readonly renewed: readonly string[];
  /** Legs of this caller that run and that the object does not know: it was lost since, or was done without. */
  readonly running: readonly RegionRunning[];
};

export type RegionRunning = {
  readonly ticket: string;
  readonly engine: string;
  readonly wanted: GrantAsk;
  /** Since it was granted, ms. */
  readonly ranMs: number;
  /** Since it was granted, ms; absent before its first token. */
  readonly firstTokenAfterMs?: number;
};

export type RegionEvent = {
  readonly ticket: string;
  /**
   * `withdrawn` is of a ticket whatever came of it: nobody waits for its answer. `probed` is of a probe. Everything else
   * is of a grant.
   */
  readonly event: "first-token" | "done" | "failed" | "released" | "withdrawn" | "probed";
  /** Of a probe: the engine, and whether it answered as one that is well; absent where that says neither. */
  readonly engine?: string;
  readonly isWell?: boolean;
  readonly kv?: KvTold;
  readonly pool: string;
  /** Since the caller heard of the grant or the probe, ms. */
  readonly afterMs: number;
  readonly outputTokens?: number;
  readonly failure?: string;
  readonly retryAfterMs?: number;
  /** What the engine told of its load, and when: since the caller heard of the grant, ms. */
  readonly told?: { readonly load: ToldLoad; readonly afterMs: number } | undefined;
  /** Share of the prompt that the engine says it found cached, 0 to 1; absent where nobody knows. */
  readonly cachedShare?: number | undefined;
  /** What came of the prefix that the leg was granted to pull; absent where nobody told. */
  readonly pulled?: PullEnd | undefined;
};

/** What a region answers: an engine, a place in its queue, or why neither. */
export type RegionAnswer =
  | { readonly kind: "granted"; readonly grant: RegionGrant }
  | {
      readonly kind: "queued";
      readonly ticket: string;
      readonly startInMs: number;
      readonly askInMs: number;
    }
  | Refused;

export type RegionGrant = Omit<Granted, "startAt"> & {
  /** Until the engine is expected to begin, ms. */
  readonly startInMs: number;
};

/** The caller goes on as if the object were lost. */
export type NoAnswer = {
  readonly ok: false;
  readonly v: 1;
  readonly code: "unknown_version" | "unknown_ticket";
};

export type RegionReserveReply =
  | {
      readonly ok: true;
      readonly v: 1;
      readonly answer: RegionAnswer;
      /** Time the object itself took, ms. */
      readonly tookMs: number;
      /** Another one each time the object has lost its memory. */
      readonly memory: string;
      /** Engines for the caller to ask how they are, and nobody else meanwhile. */
      readonly probes?: readonly Probe[];
      /** Absent when the caller's is young. */
      readonly snapshot?: RegionSnapshot;
    }
  | NoAnswer;

/** Every engine of the region at this moment. */
export type RegionSnapshot = { readonly engines: readonly SeenEngine[] };

/** What a snapshot tells of an engine; the work that waits in its pool is part of `queueMs`. */
export type SeenEngine = Omit<EngineView, "heldTokens" | "displacedMs" | "roomInMs">;

export type RegionClaim = {
  readonly v: 1;
  readonly region: string;
  readonly pool: string;
  readonly ticket: string;
};

export type RegionClaimReply =
  | { readonly ok: true; readonly v: 1; readonly answer: RegionAnswer }
  | NoAnswer;

export type RegionReport = {
  readonly v: 1;
  readonly region: string;
  readonly reports: RegionReports;
};

export type RegionReportReply =
  | { readonly ok: true; readonly v: 1; readonly memory: string }
  | NoAnswer;
