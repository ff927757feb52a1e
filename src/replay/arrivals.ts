import { seededRandom } from "../core/random.ts";
import type { FleetSetup, RunOptions } from "./fleet-setup.ts";
import type { Workload } from "./workload.ts";

/** What chance decides of a run before it begins: the same for every policy of one seed. */
export type Arrivals = {
  readonly edge: Int32Array;
  readonly edgeRegion: readonly string[];
  /** True over nominal prefill time, by request. */
  readonly costFactor: Float64Array;
  /** Round trip from edge `e` to engine `i` at `e * engines + i`, ms. */
  readonly rttMs: Float64Array;
};

/** Deals requests to edges, a session always to the same, and draws how wrong each predicted cost will be. */
export function arrivalsOf(workload: Workload, fleet: FleetSetup, options: RunOptions): Arrivals {
  const { edges, costError = 0 } = options;
  const random = seededRandom(options.seed);
  const bySession = new Map<number, number>();
  const edge = new Int32Array(workload.count);
  const costFactor = new Float64Array(workload.count);
  for (let i = 0; i < workload.count; i++) {
    const session = workload.session[i] as number;
    const drawn = Math.floor(random() * edges);
    const known = bySession.get(session);
    if (session >= 0 && known === undefined) bySession.set(session, drawn);
    edge[i] = session >= 0 ? (known ?? drawn) : drawn;
    costFactor[i] = 1 + costError * (2 * random() - 1);
  }
  const regions = options.edgeRegions ?? [...new Set(fleet.engines.map(({ region }) => region))];
  const edgeRegion = Array.from({ length: edges }, (_, i) => regions[i % regions.length] ?? "");
  const rttMs = new Float64Array(edges * fleet.engines.length);
  for (const [e, from] of edgeRegion.entries()) {
    for (const [i, { region }] of fleet.engines.entries()) {
      rttMs[e * fleet.engines.length + i] = fleet.rttMs(from, region);
    }
  }
  return { edge, edgeRegion, costFactor, rttMs };
}
