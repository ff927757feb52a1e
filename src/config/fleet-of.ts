import type { DeviceClass, Fleet, Model, Pool, Region } from "../core/fleet.ts";
import { shortHash } from "./short-hash.ts";
import type { Mesh } from "./schema.ts";

/** The fleet of a checked mesh; `source` is the JSON it came from, which the version is a hash of. */
export function fleetOf(
  mesh: Mesh,
  devices: ReadonlyMap<string, DeviceClass>,
  source: unknown,
): Fleet {
  const { context, smallUpToParams } = mesh.labels;
  return {
    version: shortHash(JSON.stringify(source)),
    regions: entriesOf(mesh.regions, (id, region): Region => ({ id, ...region })),
    models: entriesOf(mesh.models, (id, model): Model => ({ id, ...model })),
    modelNames: modelNames(mesh),
    devices,
    pools: entriesOf(mesh.pools, poolOf),
    links: mesh.links,
    rules: mesh.rules,
    labels: { ...context, smallUpToParams },
    slo: mesh.slo,
    prices: mesh.prices,
  };
}

function entriesOf<Entry, Named>(
  record: Readonly<Record<string, Entry>>,
  name: (id: string, entry: Entry) => Named,
): Map<string, Named> {
  return new Map(Object.entries(record).map(([id, entry]) => [id, name(id, entry)]));
}

function poolOf(id: string, pool: Mesh["pools"][string]): Pool {
  // What runs at an engine that drains is known to those who sent it there.
  const engines = pool.engines
    .filter(({ drain }) => !drain)
    .map(({ id: name, url, drain: _drain, ...rest }) => ({
      ...rest,
      id: `${id}/${name}`,
      pool: id,
      url: url.replace(/\/+$/, ""),
    }));
  return { id, ...pool, engines };
}

function modelNames(mesh: Mesh): Map<string, string> {
  return new Map(
    Object.entries(mesh.models).flatMap(([id, { aliases }]) =>
      [id, ...aliases].map((name) => [name, id] as const),
    ),
  );
}
