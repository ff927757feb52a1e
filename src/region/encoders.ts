import type { Engine, Fleet, Pool } from "../core/fleet.ts";
import { hash64, NO_HASH } from "../core/hash64.ts";
import type { Media } from "../core/media.ts";
import type { Dialect } from "../engines/dialect.ts";
import { dialectOf } from "../engines/registry.ts";
import type { LegOrder } from "./service.ts";

/**
 * The engines that encode what a leg's prompt shows, one for each piece that its dialect has encoded elsewhere and in
 * that order. The same content goes to the same engine, where it is cached.
 */
export function encodersFor(fleet: Fleet, order: LegOrder): Engine[] {
  const pool = order.media ? poolOf(fleet, order) : undefined;
  return pool ? encodersAmong(fleet, order, dialectOf(pool.dialect).encodes) : [];
}

/** The same for who knows what the engine's dialect has encoded elsewhere. */
export function encodersAmong(
  fleet: Fleet,
  order: LegOrder,
  encodes: Pick<NonNullable<Dialect["encodes"]>, "types"> | undefined,
): Engine[] {
  const { leg, media = [] } = order;
  const pool = poolOf(fleet, order);
  if (!encodes || media.length === 0 || leg === "prefill" || pool?.routed !== "us") return [];
  const shown = media.filter(({ type }) => encodes.types.has(type));
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

function poolOf(fleet: Fleet, { engine }: LegOrder): Pool | undefined {
  return fleet.pools.get(engine.slice(0, engine.lastIndexOf("/")));
}

/** The highest of the hashes that it has with each: only what was at an engine that left goes elsewhere. */
function encoderOf(engines: readonly Engine[], { key }: Media): Engine {
  const weight = ({ id }: Engine): number => hash64(`${id} ${key}`, NO_HASH).high;
  return engines.reduce((best, engine) => (weight(engine) > weight(best) ? engine : best));
}
