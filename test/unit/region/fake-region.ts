import { createRegionObjects } from "../../../src/region/by-object.ts";
import type { RegionLink } from "../../../src/region/region-caller.ts";
import type { ReserveAsk } from "../../../src/region/service.ts";
import type { RegionCalls } from "../../../src/rpc/objects.ts";
import type {
  RegionAnswer,
  RegionReserve,
  RegionReport,
} from "../../../src/rpc/region-messages.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { grantAsk } from "../grant/grant-fixtures.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";

/** The fleet of one pool `h200` with two engines in one region. */
const small = fleet({ poolList: [pool("h200", { dialect: "vllm-nixl" })] });

export type Said = { readonly reserves: RegionReserve[]; readonly reports: RegionReport[] };

/** A region service over an object that answers as told; what it was sent is kept. */
export function byObject(
  calls: Partial<RegionCalls>,
  engineFetch: typeof fetch = () => Promise.reject(new TypeError("no engine is run here")),
) {
  const said: Said = { reserves: [], reports: [] };
  const observed: number[] = [];
  const stub = {
    async reserve(message: RegionReserve) {
      said.reserves.push(message);
      return calls.reserve?.(message) ?? grantOf("h200/1");
    },
    claim: async (message) => calls.claim?.(message) ?? lost,
    async report(message: RegionReport) {
      said.reports.push(message);
      return calls.report?.(message) ?? { ok: true, v: 1, memory: "m1" };
    },
  } satisfies ReturnType<RegionLink["object"]>;
  const ofRequest = createRegionObjects({
    fleet: small,
    speeds: speedsOf(small),
    engineFetch,
    secret: () => undefined,
    random: () => 0,
    clock: { now: Date.now, wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
  });
  const request = ofRequest({
    object: () => stub,
    waitUntil: () => {},
    rtt: { ms: () => RTT_MS, observe: (_, ms) => void observed.push(ms) },
  });
  return { ...request, said, observed };
}

export const RTT_MS = 20;
export const lost = { ok: false, v: 1, code: "unknown_ticket" } as const;

/** What a turn asks of its region. */
export function reserveAsk(members: Partial<ReserveAsk> = {}): ReserveAsk {
  const standing = { tenant: "acme", priority: 1, deadlineAt: Infinity };
  return { v: 1, ...grantAsk(), heldAt: {}, standing, now: Date.now(), ...members };
}

export function answered(answer: RegionAnswer) {
  return { ok: true, v: 1, answer, tookMs: 0, memory: "m1" } as const;
}

export function grantOf(engine: string, ticket = "t1") {
  const known = { pool: "h200", heldTokens: 0, prefillMs: 100, stepMs: 10, reason: "least work" };
  return answered({ kind: "granted", grant: { ticket, engine, startInMs: 5, ...known } });
}

export function placeOf(ticket: string) {
  return answered({ kind: "queued", ticket, startInMs: 800, askInMs: 500 });
}
