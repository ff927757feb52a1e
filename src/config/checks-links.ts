import { fibreRttMs, greatCircleKm } from "../core/geo.ts";
import type { Surroundings } from "./checks.ts";
import { listed, type Problem } from "./problem.ts";
import type { Mesh } from "./schema.ts";

type LinkEntry = Mesh["links"][number];
type PoolEntry = Mesh["pools"][string];
type Ends = { readonly link: LinkEntry; readonly from: PoolEntry; readonly to: PoolEntry };

/** Links between pools that are not there, cannot read each other's KV cache, or defy physics. */
export function* linkProblems(around: Surroundings): Generator<Problem> {
  for (const [n, link] of around.mesh.links.entries()) {
    const path = `links.${n}`;
    yield* unknownPools(link, path, around);
    yield* bandwidth(link, path);
    const from = around.pools.get(link.from);
    const to = around.pools.get(link.to);
    if (!from || !to || link.from === link.to) continue;
    const ends = { link, from, to };
    yield* sameCache(ends, path);
    yield* handsOff(ends, path, around);
    yield* distance(ends, path, around);
    yield* sramDecode(ends, path, around);
  }
}

function* unknownPools(link: LinkEntry, path: string, { pools }: Surroundings): Generator<Problem> {
  for (const end of ["from", "to"] as const) {
    if (pools.has(link[end])) continue;
    yield {
      path: `${path}.${end}`,
      problem: `there is no pool \`${link[end]}\``,
      fix: `name one of ${listed(pools.keys())}`,
    };
  }
}

function* bandwidth(link: LinkEntry, path: string): Generator<Problem> {
  if (link.perFlowGbps <= link.gbps) return;
  yield {
    path: `${path}.perFlowGbps`,
    problem: "one transfer would be faster than the whole link",
    fix: `set \`perFlowGbps\` to ${link.gbps} or less`,
  };
}

function* sameCache({ link, from, to }: Ends, path: string): Generator<Problem> {
  if (from.model !== to.model) {
    yield {
      path,
      problem: `the link joins different models: \`${from.model}\` and \`${to.model}\``,
      fix: "link pools of one model: a KV cache means nothing to another",
    };
  }
  const missing = [
    ...(from.kvLayout === undefined ? [link.from] : []),
    ...(to.kvLayout === undefined ? [link.to] : []),
  ];
  if (missing.length > 0) {
    yield {
      path,
      problem: `no \`kvLayout\` in ${listed(missing)}`,
      fix: "give both pools the `kvLayout` their engines hold KV cache in, such as `llama-3.3-70b/bf16`",
    };
  } else if (from.kvLayout !== to.kvLayout) {
    yield {
      path,
      problem: `the link joins different KV layouts: \`${from.kvLayout}\` and \`${to.kvLayout}\``,
      fix: "serve both pools in one layout and give them the same `kvLayout`, or remove the link",
    };
  }
}

function* handsOff(
  { link, from, to }: Ends,
  path: string,
  { dialects }: Surroundings,
): Generator<Problem> {
  for (const [end, pool] of [
    ["from", from],
    ["to", to],
  ] as const) {
    if (dialects.get(pool.dialect)?.handsOff !== false) continue;
    yield {
      path: `${path}.${end}`,
      problem: `\`${link[end]}\` speaks \`${pool.dialect}\`, which cannot pass a KV cache on`,
      fix: `remove the link, or serve the pool in ${listed(canHandOff(dialects))}`,
    };
  }
  if (from.dialect === to.dialect) return;
  yield {
    path,
    problem: `the link joins different dialects: \`${from.dialect}\` and \`${to.dialect}\``,
    fix: "a handoff is understood within one dialect: link pools that speak the same",
  };
}

function canHandOff(dialects: Surroundings["dialects"]): string[] {
  return [...dialects].filter(([, { handsOff }]) => handsOff).map(([name]) => name);
}

function* distance(
  { link, from, to }: Ends,
  path: string,
  { regions }: Surroundings,
): Generator<Problem> {
  const a = regions.get(from.region);
  const b = regions.get(to.region);
  if (!a || !b) return;
  const km = Math.round(greatCircleKm(a, b));
  const leastMs = fibreRttMs(a, b);
  if (link.rttMs < leastMs) {
    const rounded = Math.ceil(leastMs * 100) / 100;
    yield {
      path: `${path}.rttMs`,
      problem: `${link.rttMs} ms is faster than light in fibre: \`${from.region}\` and \`${to.region}\` are ${km} km apart`,
      fix: `measure it and set \`rttMs\` to at least ${rounded}`,
    };
  }
  const reachKm = REACH_KM[link.transport];
  if (km <= reachKm) return;
  yield {
    path: `${path}.transport`,
    problem: `\`${link.transport}\` does not reach ${km} km, from \`${from.region}\` to \`${to.region}\``,
    fix: "use `wan` or `tcp` with its bandwidth, round trip and price per GB",
  };
}

function* sramDecode(
  { link, to }: Ends,
  path: string,
  { devices }: Surroundings,
): Generator<Problem> {
  if (to.hypothetical || !to.roles.includes("decode")) return;
  if (devices.get(to.device)?.memory[0]?.tier !== "sram") return;
  yield {
    path: `${path}.to`,
    problem: `no released engine on \`${to.device}\` (SRAM) takes a KV cache handed to it`,
    fix: `remove the link, or set \`pools.${link.to}.hypothetical\` to true: receipts will say so`,
  };
}

/** RDMA across a continent is a stretch; between continents, or NVLink between sites, it does not exist. */
const REACH_KM: Readonly<Record<LinkEntry["transport"], number>> = {
  nvlink: 1,
  rdma: 3000,
  tcp: Number.POSITIVE_INFINITY,
  wan: Number.POSITIVE_INFINITY,
};
