import type { EngineConfig } from "./config.ts";
import type { PullLink } from "./dialects/dialect.ts";

/** How KV cache travels between two engines of a fleet, at `gbps` where set; undefined when their pools share no link. */
export function linkBetween(
  from: string,
  to: string,
  { fleet }: Pick<EngineConfig, "fleet">,
  gbps: number | undefined,
): PullLink | undefined {
  if (from === to) return { gbps: 1e6, perFlowGbps: 1e6, rttMs: 0 };
  const link = fleet.links.find((one) => one.from === poolOf(from) && one.to === poolOf(to));
  if (!link || gbps === undefined) return link;
  return { rttMs: link.rttMs, gbps, perFlowGbps: gbps };
}

function poolOf(engine: string): string {
  return engine.slice(0, engine.lastIndexOf("/"));
}
