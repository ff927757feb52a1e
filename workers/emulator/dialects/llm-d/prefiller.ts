import type { Engine } from "../../../../src/core/fleet.ts";
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
  const [, host = "", port = ""] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(first.trim()) ?? [];
  const givers = fleet.links.filter(({ to }) => to === pool.id).map(({ from }) => from);
  const allowed = [...new Set([pool.id, ...givers])]
    .flatMap((id) => fleet.pools.get(id) ?? [])
    .filter(({ dialect, roles }) => dialect === pool.dialect && roles.includes("prefill"))
    .flatMap(({ engines }) => engines.map(addressOf));
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
