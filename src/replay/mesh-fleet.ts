import type { Fleet, Link, Pool } from "../core/fleet.ts";
import { phasesOf } from "../core/phases.ts";
import { type Speeds, speedsOf } from "../core/plan/speeds.ts";
import { transferMs } from "../core/speed.ts";
import type { EngineSetup, FleetSetup, LinkSetup } from "./fleet-setup.ts";
import { rttBetween } from "./well-known-places.ts";

/** The engines of a `mesh.json` that serve one model, at the roofline speeds of their device classes. */
export function meshFleet(mesh: Fleet, model: string): FleetSetup {
  const named = mesh.modelNames.get(model) ?? model;
  const pools = [...mesh.pools.values()].filter(
    (pool) => pool.model === named && pool.routed === "us" && phasesOf(pool).length > 0,
  );
  if (pools.length === 0) throw new RangeError(`no pool of ours serves \`${model}\``);
  const kept = new Set(pools.map(({ id }) => id));
  const links = mesh.links.filter(({ from, to }) => kept.has(from) && kept.has(to));
  const fleet: Fleet = { ...mesh, pools: new Map(pools.map((pool) => [pool.id, pool])), links };
  const speeds = speedsOf(fleet);
  return {
    mesh: fleet,
    speeds,
    engines: pools.flatMap((pool) => enginesOf(fleet, pool, speeds)),
    links: links.map(linkOf),
    rttMs: (from, to) => rttBetween(mesh.regions, from, to),
  };
}

/** Prompt tokens one iteration computes at most, as vLLM's default on large devices. */
const CHUNK_TOKENS = 8192;

function enginesOf(mesh: Fleet, pool: Pool, speeds: Speeds): EngineSetup[] {
  const speed = speeds.get(pool.id);
  const model = mesh.models.get(pool.model);
  if (speed === undefined || model === undefined) {
    throw new RangeError(`pool \`${pool.id}\` has a device or model that nobody described`);
  }
  return pool.engines.map(({ id }) => ({
    id,
    pool: pool.id,
    region: pool.region,
    model: pool.model,
    device: pool.device,
    roles: phasesOf(pool),
    speed,
    kvTokens: speed.kvTokens,
    kvBytesPerToken: model.kvBytesPerToken,
    maxBatch: pool.maxBatch,
    chunkTokens: CHUNK_TOKENS,
    promptsPerIteration: Infinity,
    decodes: true,
    portBytesPerMs: Infinity,
  }));
}

function linkOf(link: Link): LinkSetup {
  const { from, to, gbps, perFlowGbps, rttMs: setupMs, usdPerGB } = link;
  const rate = (gbit: number): number =>
    1e9 / transferMs({ gbps: gbit, perFlowGbps: gbit, rttMs: 0 }, 1e9);
  const perFlowBytesPerMs = rate(Math.min(gbps, perFlowGbps));
  return { from, to, bytesPerMs: rate(gbps), perFlowBytesPerMs, setupMs, usdPerGB };
}
