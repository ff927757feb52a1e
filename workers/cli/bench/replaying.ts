import { seededRandom } from "../../../src/core/random.ts";
import { calibratedFleet } from "../../../src/replay/calibrated-fleet.ts";
import { calibration } from "../../../src/replay/calibrations.ts";
import { packArrivals } from "../../../src/replay/pack.ts";
import { policyNamed } from "../../../src/replay/policy-table.ts";
import { Simulation } from "../../../src/replay/simulation.ts";
import type { Workload } from "../../../src/replay/workload.ts";

/** How fast a replay is under one policy. */
export type ReplaySpeed = {
  readonly policy: string;
  readonly staleMs: number;
  readonly requestsPerS: number;
};

const ENGINES = 16;
const POLICIES = ["random", "least-requests", "mooncake-local", "phaseway"];
const SESSIONS = 4000;
const TURNS = 6;
const BLOCK_TOKENS = 512;

/** Simulated requests per second of this machine's time: conversations that grow, 16 engines, 50 edges. */
export async function benchReplay(): Promise<ReplaySpeed[]> {
  const workload = await conversations();
  const fleet = calibratedFleet(calibration("roofline"), ENGINES);
  return POLICIES.flatMap((name) =>
    [0, 1000].map((staleMs) => {
      const run = (seed: number): void =>
        new Simulation(workload, fleet, policyNamed(name), { seed, edges: 50, staleMs }).run();
      run(1);
      const startedAt = performance.now();
      run(2);
      const ms = performance.now() - startedAt;
      return { policy: name, staleMs, requestsPerS: (workload.count / ms) * 1000 };
    }),
  );
}

/** About as long as Mooncake's: 12 thousand tokens, a third of them seen before; two thirds of what the fleet can do. */
async function conversations(): Promise<Workload> {
  const random = seededRandom(7);
  let block = 1;
  const arrivals = Array.from({ length: SESSIONS * TURNS }, (_, n) => {
    const length = 8 + Math.floor(random() * 32);
    const shared = n < SESSIONS ? 0 : Math.floor(length / 2);
    const from = (n % SESSIONS) * 64;
    const blocks = Array.from({ length }, (_, at) => (at < shared ? -from - at : block++));
    const request = {
      session: String(n),
      turn: 0,
      offsetMs: 0,
      thinkMs: 0,
      promptTokens: length * BLOCK_TOKENS,
      outputTokens: 100 + Math.floor(random() * 400),
      blocks,
      blockTokens: BLOCK_TOKENS,
    };
    return { atMs: n * 160, request, later: [] };
  });
  return packArrivals("bench", arrivals, BLOCK_TOKENS);
}
