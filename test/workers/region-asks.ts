import type { RegionReserve } from "../../src/rpc/region-messages.ts";
import { chainOf } from "./asks.ts";

/** What a caller says to a shard that wants an engine of `pool`. */
export function regionReserve(region: string, pool: string): RegionReserve {
  return {
    v: 1,
    region,
    wanted: {
      requestId: crypto.randomUUID(),
      leg: "both",
      pool,
      ask: {
        model: "llama-8b",
        promptTokens: 100_000,
        expectedOutputTokens: 16,
        bodyBytes: 400_000,
        splittable: true,
        remainingTurns: 1,
        tokensPerTurn: 500,
      },
      chain: chainOf("ab"),
      linkTokens: Uint32Array.of(50_000, 100_000),
      held: {},
      avoid: [],
      handedTokens: 0,
    },
    standing: { tenant: "acme", priority: 1, deadlineInMs: Infinity },
    snapshotAgeMs: Infinity,
    reports: { events: [], renewed: [], running: [] },
  };
}
