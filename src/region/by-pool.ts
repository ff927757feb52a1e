import type { EngineView } from "../core/plan/placement.ts";
import type { HostedPools } from "./hosted.ts";
import type { RegionService, ViewAsk } from "./service.ts";

/** A region service for every pool, and what it believes of their engines. */
export type Regions = {
  readonly region: RegionService;
  readonly views: (ask: ViewAsk) => readonly EngineView[];
};

/** Sends each pool to who answers for it: those that route themselves, or the regions of ours. */
export function byPool(
  hosted: HostedPools,
  rttMs: (region: string) => number,
  ours: Regions,
): Regions {
  if (hosted.ids.size === 0) return ours;
  const service = hosted.service(rttMs);
  const of = (pool: string) => (hosted.ids.has(pool) ? service : ours.region);
  const poolOf = (engine: string) => engine.slice(0, engine.lastIndexOf("/"));
  return {
    region: {
      reserve: (ask, ahead) => of(ask.pool).reserve(ask, ahead),
      claim: (ask, signal) => of(ask.pool).claim(ask, signal),
      withdraw: (ask) => of(ask.pool).withdraw(ask),
      run: (order, signal) => of(poolOf(order.engine)).run(order, signal),
      report: (report) => (hosted.granted(report.ticket) ? service : ours.region).report(report),
      reportsCache: (engine) => of(poolOf(engine)).reportsCache(engine),
    },
    views: (ask) => (hosted.ids.has(ask.pool) ? hosted.views(ask) : ours.views(ask)),
  };
}
