import type { Engine, Pool } from "../../../../src/core/fleet.ts";
import type { EngineConfig } from "../../config.ts";

/**
 * The prefill engine at the first `host:port` of a list; `forbidden` for a host of none that this engine may ask, or an
 * address that several share, and undefined where nothing listens on that port.
 */
export function prefillerAt(
  list: string,
  { pool, fleet }: Pick<EngineConfig, "pool" | "fleet">,
): { engine: string | undefined } | "forbidden" {
  const [first = ""] = list.split(",");
  const givers = fleet.links.filter(({ to }) => to === pool.id).map(({ from }) => from);
  const allowed = [...new Set([pool.id, ...givers])]
    .flatMap((id) => fleet.pools.get(id) ?? [])
    .filter(({ dialect, roles }) => dialect === pool.dialect && roles.includes("prefill"));
  return engineAt(first, allowed);
}

/** The encode engines of a list that this engine may ask, as often as they are named; it is not told of others. */
export function encodersAt(
  list: string,
  { pool, fleet }: Pick<EngineConfig, "pool" | "fleet">,
): (string | undefined)[] {
  const allowed = [...fleet.pools.values()].filter(
    ({ dialect, roles, model, region }) =>
      roles.includes("encode") &&
      dialect === pool.dialect &&
      model === pool.model &&
      region === pool.region,
  );
  return list
    .split(",")
    .map((hostPort) => engineAt(hostPort, allowed))
    .flatMap((found) => (found === "forbidden" ? [] : [found.engine]));
}

function engineAt(
  hostPort: string,
  pools: readonly Pool[],
): { engine: string | undefined } | "forbidden" {
  const [, host = "", port = ""] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(hostPort.trim()) ?? [];
  const allowed = pools.flatMap(({ engines }) => engines.map(addressOf));
  const there = allowed.filter((engine) => engine.host === host || engine.name === host);
  if (there.length === 0) return "forbidden";
  const listening = there.filter((engine) => engine.name === host || engine.port === port);
  return listening.length > 1 ? "forbidden" : { engine: listening[0]?.name };
}

function addressOf(engine: Reached): { name: string; host: string; port: string } {
  const { protocol, hostname, port } = new URL(engine.url);
  const usual = protocol === "https:" ? "443" : "80";
  return {
    name: engine.id,
    host: (engine.bootstrapHost ?? hostname).replace(/^\[|\]$/g, ""),
    port: String(engine.bootstrapPort ?? (port || usual)),
  };
}

type Reached = Engine & { readonly bootstrapHost?: string; readonly bootstrapPort?: number };
