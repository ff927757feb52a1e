import { Receipts as PlainReceipts, type ReceiptsEnv } from "../../src/durable/receipts.ts";
import { Session as PlainSession } from "../../src/durable/session.ts";
import type { SessionEnv } from "../../src/durable/session-env.ts";
import { createEdgeWorker, type EdgeEnv } from "../edge/app.ts";
import { Region as PlainRegion } from "../edge/region.ts";
import { CallCounts } from "./counted-calls.ts";
import { countStorage } from "./counted-storage.ts";
import type { BenchCounts, StorageCounts } from "./counts.ts";

export { Once } from "../../src/durable/once.ts";
export { Fleet } from "../../src/durable/fleet.ts";

/** The edge worker and its objects, counting what is billed. `/bench/counts` tells it, `/bench/pass/*` only passes on. */
export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === "/bench/counts") return Response.json(counts());
    if (pathname.startsWith("/bench/pass")) return pass(request, env);
    edge ??= createEdgeWorker({});
    const counted = {
      ...env,
      SESSIONS: calls.of(env.SESSIONS, "Session"),
      RECEIPTS: calls.of(env.RECEIPTS, "Receipts"),
      REGIONS: calls.of(env.REGIONS, "Region"),
      FLEETS: calls.of(env.FLEETS, "Fleet"),
    };
    return edge.fetch(request, counted, context);
  },
} satisfies ExportedHandler<BenchEnv>;

export class Session extends PlainSession {
  constructor(ctx: DurableObjectState, env: SessionEnv) {
    watch("Session", ctx);
    super(ctx, env);
  }
}

export class Receipts extends PlainReceipts {
  constructor(ctx: DurableObjectState, env: ReceiptsEnv) {
    watch("Receipts", ctx);
    super(ctx, env);
  }
}

export class Region extends PlainRegion {
  constructor(ctx: DurableObjectState, env: BenchEnv) {
    watch("Region", ctx);
    super(ctx, { ...env, FLEETS: calls.of(env.FLEETS, "Fleet") });
  }
}

type BenchEnv = Required<Pick<EdgeEnv, "REGIONS" | "FLEETS">> &
  EdgeEnv & { readonly ENGINE_URL: string };

// Edge and objects are one script in one isolate, so what objects count can be read here.
const calls = new CallCounts();
const storage: Record<string, StorageCounts> = {};
let edge: ReturnType<typeof createEdgeWorker> | undefined;

function watch(className: string, ctx: DurableObjectState): void {
  storage[className] ??= { rowsWritten: 0, rowsRead: 0, bytes: 0 };
  countStorage(ctx.storage, storage[className]);
}

function counts(): BenchCounts {
  return { calls: Object.fromEntries(calls.calls), storage };
}

/** What any worker costs that reads a body, sends it on and streams the answer back. */
async function pass(request: Request, env: BenchEnv): Promise<Response> {
  const body = await request.arrayBuffer();
  const headers = { "content-type": "application/json" };
  const signal = request.signal;
  return fetch(`${env.ENGINE_URL}/v1/chat/completions`, { method: "POST", headers, body, signal });
}
