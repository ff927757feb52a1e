import type { Surroundings } from "./checks.ts";
import { listed, type Problem } from "./problem.ts";
import type { Mesh } from "./schema.ts";

type Store = Mesh["stores"][string];

/** Stores that are nowhere, or that no engine could use. */
export function* storeProblems(around: Surroundings): Generator<Problem> {
  for (const [name, store] of Object.entries(around.mesh.stores)) {
    const path = `stores.${name}`;
    yield* region(store, path, around);
    yield* users(store, path, around);
  }
}

function* region(store: Store, path: string, { regions }: Surroundings): Generator<Problem> {
  if (regions.has(store.region)) return;
  yield {
    path: `${path}.region`,
    problem: `there is no region \`${store.region}\``,
    fix: `add it to \`regions\` or name one of ${listed(regions.keys())}`,
  };
}

function* users(store: Store, path: string, around: Surroundings): Generator<Problem> {
  const { dialects, pools, regions } = around;
  const sharing = [...dialects].filter(([, traits]) => traits.sharesStore).map(([name]) => name);
  for (const [index, dialect] of store.dialects.entries()) {
    const at = `${path}.dialects.${index}`;
    if (!sharing.includes(dialect)) {
      yield {
        path: at,
        problem: dialects.has(dialect)
          ? `engines that speak \`${dialect}\` share no store`
          : `there is no dialect \`${dialect}\``,
        fix: `name one of ${listed(sharing)}`,
      };
      continue;
    }
    const isUsed = [...pools.values()].some(
      (pool) => pool.dialect === dialect && pool.region === store.region,
    );
    if (isUsed || !regions.has(store.region)) continue;
    yield {
      path: at,
      problem: `no pool in \`${store.region}\` speaks \`${dialect}\``,
      fix: "add such a pool, or take the dialect or the store out",
    };
  }
}
