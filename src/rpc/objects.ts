import type { Continent } from "../core/continents.ts";
import type { Fleet } from "../core/fleet.ts";
import type { StoredItems } from "../core/stored-response.ts";
import { objectNameOf, regionOfShard } from "../core/shards.ts";
import type { FleetPush, FleetPushReply, FleetRead, FleetReadReply } from "./fleet-messages.ts";
import type { OnceAsk, OnceDone, OnceEnd, OnceReply } from "./once-messages.ts";
import type {
  AppendReply,
  ReadReply,
  ReceiptPack,
  SessionReceiptsReply,
  SessionsAsk,
  SessionsReply,
} from "./receipt-messages.ts";
import type {
  RegionClaim,
  RegionClaimReply,
  RegionReport,
  RegionReportReply,
  RegionReserve,
  RegionReserveReply,
} from "./region-messages.ts";
import type { SessionState } from "../core/session/state.ts";
import type {
  KeepKvAsk,
  ConverseAsk,
  OpenAnswer,
  OpenAsk,
  RecallAnswer,
  RecallAsk,
  SessionView,
  SettleAnswer,
  SettleAsk,
  StoreAsk,
} from "./session-messages.ts";

/** Resolves names to objects, always where they belong; nothing else calls `get`. */
export function createObjects(env: ObjectsEnv, place: ObjectPlace = {}): Objects {
  return {
    session: (name) => stubOf(env.SESSIONS, name, place),
    receipts: (name) => stubOf(env.RECEIPTS, name, place),
    once: (name) => stubOf(env.ONCE, name, place),
  };
}

/** Resolves shards of a fleet's regions to the objects that grant their engines, each made where its region is. */
export function createRegions(namespace: Namespace<RegionStub>, fleet: Fleet): Regions {
  return (shard) => {
    const { hint, jurisdiction } = regionOfShard(fleet, shard) ?? {};
    return stubOf(namespace, objectNameOf(fleet, shard), {
      ...(hint !== undefined && { hint: hint as DurableObjectLocationHint }),
      ...(jurisdiction !== undefined &&
        JURISDICTIONS.has(jurisdiction) && {
          jurisdiction: jurisdiction as DurableObjectJurisdiction,
        }),
    });
  };
}

/** Those that Cloudflare keeps objects within. */
const JURISDICTIONS: ReadonlySet<string> = new Set(["eu", "us", "fedramp"]);

/** Resolves continents to the objects that hold what every region last told. */
export function createFleets(namespace: Namespace<FleetStub>): Fleets {
  return ({ id, hint }) =>
    stubOf(namespace, `fleet/${id}`, { hint: hint as DurableObjectLocationHint });
}

/** Name of the `Receipts` object for a tenant, a day such as `2026-11-23` and a shard. */
export function receiptsName(tenant: string, day: string, shard: number): string {
  return `receipts/${encodeURIComponent(tenant)}/${day}/${shard}`;
}

/** The UTC day of an instant, epoch ms. */
export function receiptsDay(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

export type Objects = {
  /** A new stub each time: one that has thrown may be broken. */
  session(name: string): SessionStub;
  receipts(name: string): ReceiptsStub;
  once(name: string): OnceStub;
};

/** The object of a region or of one of its pools; a new stub each time, as above. */
export type Regions = (shard: string) => RegionStub;

export type Fleets = (continent: Continent) => FleetStub;

export type ObjectPlace = {
  readonly hint?: DurableObjectLocationHint;
  readonly jurisdiction?: DurableObjectJurisdiction;
};

export type ObjectsEnv = {
  readonly SESSIONS: Namespace<SessionStub>;
  readonly RECEIPTS: Namespace<ReceiptsStub>;
  readonly ONCE: Namespace<OnceStub>;
};

/** The part of `DurableObjectNamespace` used here; a real one is one. */
export type Namespace<Stub> = {
  idFromName(name: string): DurableObjectId;
  get(id: DurableObjectId, options?: { locationHint?: DurableObjectLocationHint }): Stub;
  jurisdiction(jurisdiction: DurableObjectJurisdiction): Namespace<Stub>;
};

export type NotFound = { readonly ok: false; readonly v: 1; readonly code: "not_found" };
export type OpenReply = ({ readonly ok: true } & OpenAnswer) | NotFound;
export type SettleReply = ({ readonly ok: true } & SettleAnswer) | NotFound;
export type ViewReply = { readonly ok: true; readonly v: 1; readonly view: SessionView } | NotFound;
/** Why a state was not kept: nothing of it is left. */
export type KeepKvReply =
  | { readonly ok: true; readonly v: 1 }
  | NotFound
  | { readonly ok: false; readonly v: 1; readonly code: "too_large" | "cut" | "stale" };
/** The bytes are read as they are pulled. */
export type ReadKvReply =
  | { readonly ok: true; readonly v: 1; readonly body: ReadableStream<Uint8Array> }
  | NotFound;
export type ForkReply =
  | { readonly ok: true; readonly v: 1; readonly state: SessionState }
  | NotFound;
export type AnswersReply =
  | { readonly ok: true; readonly v: 1; readonly onces: readonly string[] }
  | NotFound;
export type EraseReply = { readonly ok: true; readonly v: 1 } | NotFound;

export type StoreReply = { readonly ok: true; readonly v: 1 } | NotFound;
export type RecallReply = ({ readonly ok: true } & RecallAnswer) | NotFound;

type MaybeLater<T> = T | Promise<T>;

/** What a `Session` object answers; another tenant's session is not found. */
export type SessionCalls = {
  open(ask: OpenAsk): MaybeLater<OpenReply>;
  settle(ask: SettleAsk): MaybeLater<SettleReply>;
  view(tenant: string, id: string): MaybeLater<ViewReply>;
  /** With the bytes of a state for the `edge` tier; those of another are in R2 already. */
  keepKv(ask: KeepKvAsk, body?: ReadableStream<Uint8Array>): MaybeLater<KeepKvReply>;
  /** The bytes of a state of the `edge` tier. */
  readKv(tenant: string, id: string): MaybeLater<ReadKvReply>;
  /** What a fork of it begins with. */
  fork(tenant: string, branch?: number): MaybeLater<ForkReply>;
  /** Begins with what a fork has; not found where there is a session already. */
  begin(state: SessionState): MaybeLater<EraseReply>;
  /** Names of the `Once` objects that keep answers of its turns. */
  answers(tenant: string): MaybeLater<AnswersReply>;
  erase(tenant: string): MaybeLater<EraseReply>;
  store(ask: StoreAsk): MaybeLater<StoreReply>;
  recall(ask: RecallAsk): MaybeLater<RecallReply>;
  /** Puts other items in the place of a response's own. */
  replace(tenant: string, number: number, items: StoredItems): MaybeLater<EraseReply>;
  converse(ask: ConverseAsk): MaybeLater<StoreReply>;
  /** Of one response. */
  forget(tenant: string, number: number): MaybeLater<EraseReply>;
};

export type ReceiptsCalls = {
  append(pack: ReceiptPack): MaybeLater<AppendReply>;
  read(id: string, tenant: string): MaybeLater<ReadReply>;
  bySession(session: string, limit: number, tenant: string): MaybeLater<SessionReceiptsReply>;
  sessions(ask: SessionsAsk): MaybeLater<SessionsReply>;
};

/** What a `Once` object answers. */
export type OnceCalls = {
  /** Held for a few seconds while another runs it. */
  claim(ask: OnceAsk): MaybeLater<OnceReply>;
  /** The run still goes on. */
  renew(run: string): MaybeLater<OnceDone>;
  end(end: OnceEnd): MaybeLater<OnceDone>;
  erase(): MaybeLater<OnceDone>;
};

/** What a `Region` object answers. */
export type RegionCalls = {
  reserve(message: RegionReserve): MaybeLater<RegionReserveReply>;
  claim(message: RegionClaim): MaybeLater<RegionClaimReply>;
  report(message: RegionReport): MaybeLater<RegionReportReply>;
};

/** What a `Fleet` object answers. */
export type FleetCalls = {
  push(push: FleetPush): MaybeLater<FleetPushReply>;
  read(ask: FleetRead): MaybeLater<FleetReadReply>;
};

/** The same calls from another worker, where every answer is later. */
export type Remote<Calls> = {
  [Name in keyof Calls]: Calls[Name] extends (...args: infer Args) => infer Answer
    ? (...args: Args) => Promise<Awaited<Answer>>
    : never;
};

export type SessionStub = Remote<SessionCalls>;
export type ReceiptsStub = Remote<ReceiptsCalls>;
export type OnceStub = Remote<OnceCalls>;
export type RegionStub = Remote<RegionCalls>;
export type FleetStub = Remote<FleetCalls>;

function stubOf<Stub>(namespace: Namespace<Stub>, name: string, place: ObjectPlace): Stub {
  const within = withinJurisdiction(namespace, place.jurisdiction);
  const options = place.hint === undefined ? {} : { locationHint: place.hint };
  return within.get(within.idFromName(name), options);
}

/** A local runtime has no jurisdictions and says so; anywhere else a refusal is a refusal. */
function withinJurisdiction<Stub>(
  namespace: Namespace<Stub>,
  jurisdiction: DurableObjectJurisdiction | undefined,
): Namespace<Stub> {
  if (jurisdiction === undefined) return namespace;
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    if (error instanceof Error && /not implemented/i.test(error.message)) return namespace;
    throw error;
  }
}
