import { env } from "cloudflare:workers";
import type { Fleet } from "../../src/core/fleet.ts";
import { speedsOf } from "../../src/core/plan/speeds.ts";
import { createRegionWorker } from "../../src/region/region-worker.ts";
import type { LegAnswer, LegOrder, RegionService, ReserveAsk } from "../../src/region/service.ts";
import { createRegions } from "../../src/rpc/objects.ts";
import type { EdgeEnv } from "../../workers/edge/mesh.ts";
import { REAL_TIME } from "../../workers/edge/real-time.ts";
import { regionsOf } from "../../workers/edge/regions.ts";
import { ENGINE_KEY } from "./edge.ts";
import { createFakeEngine } from "./fake-engine.ts";
import { freshFleet } from "./fresh-fleet.ts";
import { regionReserve } from "./region-asks.ts";

/** Who grants engines and runs legs: this isolate, Region objects, or workers beside the engines. */
export const WAYS = ["in the isolate", "by object", "by worker"] as const;
type Way = (typeof WAYS)[number];

export const POOL = "far-iad";
/** Of callers who stay to the end. */
export const STAYS = new AbortController().signal;

type Options = {
  readonly dialect?: string;
  /** Stands between the edge and the worker. */
  readonly around?: (path: string, next: () => Promise<Response>) => Promise<Response>;
};

/** A region service over one fake engine, with a fleet whose objects nobody has asked yet. */
export function regionService(way: Way, { dialect, around = (_, next) => next() }: Options = {}) {
  const engine = createFakeEngine();
  const fleet = withDialect(freshFleet(), dialect);
  const secret = () => ENGINE_KEY;
  const handle = createRegionWorker(
    { fleet, engineFetch: engine.fetch, secret },
    createRegions(env.REGIONS, fleet),
  );
  const worker = {
    fetch: (url: string, init?: RequestInit) =>
      around(new URL(url).pathname, () => handle(new Request(url, init), () => {})),
  };
  const bindings = {
    ...(way !== "in the isolate" && { REGIONS: env.REGIONS }),
    ...(way === "by worker" && { REGION_IAD: worker }),
  } as unknown as EdgeEnv;
  const ofRequest = regionsOf(bindings, {
    fleet,
    speeds: speedsOf(fleet),
    engineFetch: engine.fetch,
    secret,
    random: () => 0,
    clock: REAL_TIME,
  });
  const service: RegionService = ofRequest(() => {}, { ms: () => 0, observe: () => {} }).region;
  const reserve = (ask: Partial<ReserveAsk>, order: Omit<LegOrder, "ticket" | "engine">) =>
    service.reserve(askOf(ask), order);
  const leg = async (change: Partial<LegOrder> = {}, signal = STAYS) => {
    const order = orderOf(change);
    const granted = await reserve({ leg: order.leg }, order);
    if (granted.kind !== "granted") throw new TypeError(`not granted, but ${granted.kind}`);
    const { ticket, engine: id } = granted.grant;
    const answer: LegAnswer = await service.run({ ...order, ticket, engine: id }, signal);
    return { ticket, answer };
  };
  return { service, engine, handle, reserve, leg };
}

function withDialect(fleet: Fleet, dialect: string | undefined): Fleet {
  const pool = fleet.pools.get(POOL);
  if (pool === undefined || dialect === undefined) return fleet;
  return { ...fleet, pools: new Map([...fleet.pools, [POOL, { ...pool, dialect }]]) };
}

function askOf(change: Partial<ReserveAsk>): ReserveAsk {
  const { wanted, standing } = regionReserve("iad", POOL);
  const { tenant, priority } = standing;
  const common = { v: 1, heldAt: {}, now: Date.now() } as const;
  return { ...common, ...wanted, standing: { tenant, priority, deadlineAt: Infinity }, ...change };
}

/** A leg to be run wherever it is granted. */
export function orderOf(change: Partial<LegOrder>): Omit<LegOrder, "ticket" | "engine"> {
  const messages = [{ role: "user", content: "Where did you run?" }];
  const stream = change.stream ?? false;
  return {
    v: 1,
    leg: "both",
    requestId: "req_1",
    path: "/v1/chat/completions",
    body: new TextEncoder().encode(JSON.stringify({ model: "small", messages, stream })),
    stream,
    firstTokenTimeoutMs: 5000,
    idleTimeoutMs: 5000,
    ...change,
  };
}
