import type { Engine, Fleet } from "../core/fleet.ts";
import { hash64, NO_HASH } from "../core/hash64.ts";
import type { Media } from "../core/media.ts";
import { dialectOf } from "../engines/registry.ts";
import type { LegOrder } from "./service.ts";

/**
 * The engines that encode what a leg's prompt shows, one for each piece that its dialect has encoded elsewhere and in
 * that order. The same content goes to the same engine, where it is cached.
 */
export function encodersFor(fleet: Fleet, { engine, leg, media = [] }: LegOrder): Engine[] {
  const pool = fleet.pools.get(engine.slice(0, engine.lastIndexOf("/")));
  if (media.length === 0 || leg === "prefill" || pool?.routed !== "us") return [];
  const { encodes } = dialectOf(pool.dialect);
  const shown = media.filter(({ type }) => encodes?.types.has(type));
  const engines = [...fleet.pools.values()]
    .filter(
      ({ roles, model, region, dialect }) =>
        roles.includes("encode") &&
        model === pool.model &&
        region === pool.region &&
        dialect === pool.dialect,
    )
    .flatMap((encoding) => encoding.engines);
  return engines.length === 0 ? [] : shown.map((one) => encoderOf(engines, one));
}

/** The highest of the hashes that it has with each: only what was at an engine that left goes elsewhere. */
function encoderOf(engines: readonly Engine[], { key }: Media): Engine {
  const weight = ({ id }: Engine): number => hash64(`${id} ${key}`, NO_HASH).high;
  return engines.reduce((best, engine) => (weight(engine) > weight(best) ? engine : best));
}
