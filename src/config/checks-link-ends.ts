import type { Surroundings } from "./checks.ts";
import type { Problem } from "./problem.ts";
import type { Mesh } from "./schema.ts";

type LinkEntry = Mesh["links"][number];

/**
 * Links that lead nowhere: from a pool to itself, the same as another, or between pools without the phase to hand over;
 * but wherever prompts are prefilled, a link brings what other engines have cached, where the dialect pulls it.
 */
export function* linkEndProblems(around: Surroundings): Generator<Problem> {
  const seen = new Map<string, number>();
  for (const [n, link] of around.mesh.links.entries()) {
    const path = `links.${n}`;
    const isPulled = pulls(link, around);
    if (link.from === link.to && !isPulled) {
      yield {
        path,
        problem: `the link leads from \`${link.from}\` to itself`,
        fix: "remove it: only engines that prefill and pull cached prefixes from one another need a link within their pool",
      };
      continue;
    }
    const ends = [link.from, link.to, link.transport].join(" ");
    const same = seen.get(ends);
    if (same === undefined) seen.set(ends, n);
    else yield twice(link, path, same);
    if (!isPulled) yield* phases(link, path, around);
  }
}

function pulls({ to }: LinkEntry, { pools, dialects }: Surroundings): boolean {
  const pool = pools.get(to);
  if (pool === undefined || !pool.roles.includes("prefill")) return false;
  return dialects.get(pool.dialect)?.capabilities?.pullsPrefix === "peer";
}

function twice({ from, to, transport }: LinkEntry, path: string, same: number): Problem {
  return {
    path,
    problem: `\`links.${same}\` joins \`${from}\` to \`${to}\` over \`${transport}\` as well`,
    fix: "remove one of them, or give this one its own `transport`",
  };
}

function* phases(link: LinkEntry, path: string, { pools }: Surroundings): Generator<Problem> {
  for (const [end, phase] of [
    ["from", "prefill"],
    ["to", "decode"],
  ] as const) {
    const name = link[end];
    const pool = pools.get(name);
    if (pool === undefined || pool.roles.includes(phase)) continue;
    yield {
      path: `${path}.${end}`,
      problem: `\`${name}\` has no role \`${phase}\`: a handoff leads from prefill to decode`,
      fix: `remove the link, or add \`${phase}\` to \`pools.${name}.roles\``,
    };
  }
}
