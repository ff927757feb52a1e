import { regionBindingName } from "../core/shards.ts";
import type { Surroundings } from "./checks.ts";
import type { Problem } from "./problem.ts";

/** Regions that cannot be told apart where they are bound, or are divided into nothing. */
export function* regionProblems({ regions, pools }: Surroundings): Generator<Problem> {
  const bound = new Map<string, string>();
  for (const [id, region] of regions) {
    const name = regionBindingName(id);
    const other = bound.get(name);
    bound.set(name, id);
    if (other !== undefined) {
      yield {
        path: `regions.${id}`,
        problem: `a worker of its own would be bound as \`${name}\`, like that of \`${other}\``,
        fix: "give one of the two a name that differs in letters or digits",
      };
    }
    if (region.shards === undefined) continue;
    const own = [...pools.values()].filter((pool) => pool.region === id);
    if (own.length > 1) continue;
    yield {
      path: `regions.${id}.shards`,
      problem: `the region has ${own.length === 1 ? "one pool" : "no pool"}: there is nothing to divide`,
      fix: "remove `shards`, or give the region more pools",
    };
  }
}
