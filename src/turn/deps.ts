import type { ChatRequest } from "../core/chat-request.ts";
import type { Fleet, Phase } from "../core/fleet.ts";
import type { IdMinter } from "../core/ids.ts";
import type { Coupling, Told, Usage } from "../core/leg.ts";
import type { PhaseCapabilities } from "../core/plan/plan-input.ts";
import type { EngineView } from "../core/plan/placement.ts";
import type { Random } from "../core/random.ts";
import type { Receipt } from "../core/receipt.ts";
import type { BrokenOff, RequestTraits } from "../core/request-traits.ts";
import type { Speed } from "../core/speed.ts";
import type { RegionService, ViewAsk } from "../region/service.ts";
import type { ExportsKv } from "../region/plan-capabilities.ts";
import type { KvDeps } from "./kv/deps.ts";
import type { OpenAnswer, OpenAsk, SettleAnswer, SettleAsk } from "../rpc/session-messages.ts";

/** What a turn needs from outside; the edge worker supplies it, tests supply their own. */
export type TurnDeps = {
  readonly fleet: Fleet;
  readonly speeds: ReadonlyMap<string, Speed>;
  readonly capabilities: PlanCapabilities;
  readonly region: RegionService;
  /** Undefined answers mean a lost object: the turn goes on without its state. */
  readonly sessions: {
    open(name: string, ask: OpenAsk): Promise<OpenAnswer | undefined>;
    settle(name: string, ask: SettleAsk): Promise<SettleAnswer | undefined>;
  };
  readonly receipts: { add(receipt: Receipt): void };
  /** Where KV cache is kept outside of engines; absent where it is not. */
  readonly kv?: KvDeps;
  readonly views: (ask: ViewAsk) => readonly EngineView[];
  readonly rtt: { ms(region: string): number; observe(region: string, ms: number): void };
  readonly edge: string;
  readonly ids: IdMinter;
  /** Characters per token, learned per model from the engines' own counts. */
  readonly charsPerToken: {
    get(model: string): number;
    learn(model: string, chars: number, tokens: number): void;
  };
  readonly now: () => number;
  readonly random: Random;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly settings: TurnSettings;
};

/** What planning and running may know of a dialect, by its name. */
export type PlanCapabilities = (dialect: string) => PhaseCapabilities & {
  readonly coupling: Coupling;
  readonly cachedFrom: { readonly together: boolean; readonly disaggregated: Phase | "none" };
  readonly splits: (traits: RequestTraits) => boolean;
  /** Its engines know `continue_final_message`, unless their pool says otherwise. */
  readonly continues: boolean;
  /** Whether another engine's answer can be the rest of one that was plain text so far. */
  readonly canContinue: (request: BrokenOff) => boolean;
  readonly keeps?: { readonly member: string; readonly forMs: number } | undefined;
  /** Types of the content parts that its engines can have encoded elsewhere. */
  readonly encodes?: { readonly types: ReadonlySet<string> } | undefined;
  /** How the KV cache of its engines can be kept elsewhere; absent where it cannot. */
  readonly exportsKv?: Pick<ExportsKv, "member" | "told"> | undefined;
  readonly safeEnd: {
    readonly betweenLegs: "dispatch-and-abort" | "nothing";
    readonly decodeInTransfer: "at-first-token" | "at-once";
  };
  readonly firstTokenFrom: Phase;
  readonly tookHandoff: (usage: Usage) => boolean | undefined;
  /** What an answer, or one frame of it, tells of the engines that its endpoint chose. */
  readonly told: (json: string) => Told | undefined;
  /** Takes what is not for the client of a request out of its answer, or one frame of it. */
  readonly forClient: (request: Uint8Array) => (json: string) => string;
};

export type TurnSettings = {
  readonly keepAliveMs: number;
  /** Longest silence before the first token. */
  readonly firstTokenTimeoutMs: number;
  /** Silence that is borne, beyond what was planned, before another placement is tried. */
  readonly firstTokenGraceMs: number;
  readonly idleTimeoutMs: number;
  /** The last frame waits this long for `settle`. */
  readonly settleHoldMs: number;
  readonly maxAttempts: number;
};

export const defaultTurnSettings: TurnSettings = {
  keepAliveMs: 15_000,
  firstTokenTimeoutMs: 120_000,
  firstTokenGraceMs: 20_000,
  idleTimeoutMs: 60_000,
  settleHoldMs: 50,
  maxAttempts: 10,
};

/** A request, after the border: what every later step of the turn reads. */
export type Turn = {
  readonly requestId: string;
  readonly receiptId: string;
  readonly tenant: string;
  /** Tells the tenant from others to engines, and nothing else of it. */
  readonly tenantTag?: string;
  readonly request: ChatRequest;
  readonly signal: AbortSignal;
  readonly startedAt: number;
  readonly workload?: string;
  readonly explain: "short" | "full";
  /** Of a turn with an idempotency key: the object that keeps its answer, and how it learns whether there is one. */
  readonly once?: { readonly name: string; readonly ended: (status: Receipt["status"]) => void };
};
