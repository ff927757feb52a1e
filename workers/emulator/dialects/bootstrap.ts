import type { Engine } from "../../../src/core/fleet.ts";
import type { EngineConfig } from "../config.ts";

/** Where prefill engines listen for decode engines when `mesh.json` does not say. */
export const BOOTSTRAP_PORT = 8998;

/**
 * The prefill engine that can hand KV cache to this one and is met at an address: the one of that bootstrap host or that name,
 * else the only one of that port, since emulated engines share a host; undefined when that tells none from another.
 */
export function engineMetAt(
  host: string,
  port: number,
  { pool, fleet }: Pick<EngineConfig, "pool" | "fleet">,
): string | undefined {
  const givers = fleet.links.filter(({ to }) => to === pool.id).map(({ from }) => from);
  const engines: readonly Engine[] = [...new Set([pool.id, ...givers])]
    .flatMap((id) => fleet.pools.get(id) ?? [])
    .filter(({ dialect, roles }) => dialect === pool.dialect && roles.includes("prefill"))
    .flatMap((one) => one.engines);
  const named = engines.find(({ id }) => id === host);
  if (named) return named.id;
  const atHost = engines.filter(({ bootstrapHost }) => bootstrapHost === host);
  if (atHost.length === 1) return atHost[0]?.id;
  const among = atHost.length > 0 ? atHost : engines;
  const atPort = among.filter(({ bootstrapPort = BOOTSTRAP_PORT }) => bootstrapPort === port);
  return atPort.length === 1 ? atPort[0]?.id : undefined;
}
