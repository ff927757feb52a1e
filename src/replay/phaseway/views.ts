import type { EngineView } from "../../core/plan/placement.ts";
import type { PhaseCapabilities, PlanInput } from "../../core/plan/plan.ts";
import type { PolicySetup, ReplayRequest } from "../policy.ts";
import type { Asked } from "./asks.ts";
import type { Shown } from "./shown-ledger.ts";

/** What an edge plans from: the fleet's gauges and the regions' queues as it sees them, and what the session knows of its prefix. */
export function planInput(
  setup: PolicySetup,
  request: ReplayRequest,
  asked: Asked,
  shown: ReadonlyMap<string, Shown>,
): PlanInput {
  const { mesh, speeds, fleet, random } = setup;
  const byPool = new Map<string, EngineView[]>();
  const rtt = new Map<string, number>();
  for (const one of fleet.engines) {
    const views = byPool.get(one.pool) ?? [];
    byPool.set(one.pool, views);
    rtt.set(one.region, fleet.rttMs(one.engine, request));
    const ledger = shown.get(one.id);
    views.push({
      engine: one.id,
      queueMs: one.queuedMs + (ledger?.waitingMs ?? 0),
      batch: one.decoding,
      batchTokens: one.decodingTokens,
      heldTokens: asked.held[one.id] ?? 0,
      kvFreeTokens: Math.max(0, one.kvTokens - one.kvUsedTokens),
      prefillFactor: 1,
      decodeFactor: 1,
      promptShare: ledger?.promptShare ?? 0,
      healthy: one.up,
    });
  }
  return {
    fleet: mesh,
    speeds,
    labels: asked.labels,
    ask: asked.ask,
    rttMs: (region) => rtt.get(region) ?? 0,
    uploadMsPerMB: 0,
    views: (pool) => byPool.get(pool) ?? [],
    avoid: new Set(),
    capabilities: () => CAPABILITIES,
    random,
  };
}

/** As vLLM's with NIXL: prefill and decode one after the other, small additions computed where decode is. */
const CAPABILITIES: PhaseCapabilities = {
  roles: ["prefill", "decode"],
  order: "serial",
  prefillsAtDecode: true,
};
