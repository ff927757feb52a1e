import type { EngineGauges, PolicyEntry, PolicySetup, ReplayRequest } from "../policy.ts";
import { leastOf, sendTo, usableEngines } from "./choose.ts";
import { ExpectedMatch } from "./expected-match.ts";
import { predictedTtftMs, queueMs } from "./predicted-ttft.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * The nearest region, the lowest predicted TTFT inside it, and the next region when even that one's queue is long: what
 * a cluster router per region behind a geographic load balancer does (SkyWalker, arXiv 2505.24095, pushes selectively to
 * other regions; its thresholds are its own). When every region is full, the lowest predicted TTFT of all.
 */
export function nearestExact(params: NearestExactParams = {}): PolicyEntry {
  const { overflowQueueMs = 1000, predicts = true } = params;
  return {
    name: "nearest-exact",
    instances: "edge",
    create(setup) {
      const unseen = new UnseenSends(setup);
      const match = new ExpectedMatch(setup, predicts);
      return {
        route(request) {
          const costOf = (one: EngineGauges) =>
            predictedTtftMs(setup, unseen, one, request, match.of(one, request));
          const engines = usableEngines(setup, request);
          let engine: EngineGauges | undefined;
          for (const inside of byDistance(setup, request, engines)) {
            const best = leastOf(inside, costOf, setup.random);
            if (!best || queueMs(setup, unseen, best) > overflowQueueMs) continue;
            engine = best;
            break;
          }
          engine ??= leastOf(engines, costOf, setup.random);
          if (engine) unseen.add(engine, request, match.of(engine, request));
          if (engine) match.add(engine, request);
          return sendTo(engine);
        },
      };
    },
  };
}

export type NearestExactParams = {
  /** A region whose best engine has more than this before a new prompt is passed over, ms. */
  readonly overflowQueueMs?: number;
  /** Counts what it sent as held before it is computed; true unless told. */
  readonly predicts?: boolean;
};

/** Engines by region, the nearest first. */
function byDistance(
  setup: PolicySetup,
  request: ReplayRequest,
  engines: readonly EngineGauges[],
): EngineGauges[][] {
  const regions = Map.groupBy(engines, ({ region }) => region);
  const rttMs = (inside: readonly EngineGauges[]) =>
    Math.min(...inside.map((one) => setup.fleet.rttMs(one.engine, request)));
  return [...regions.values()].toSorted((a, b) => rttMs(a) - rttMs(b));
}
