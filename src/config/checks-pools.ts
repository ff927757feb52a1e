import { speedOf } from "../core/speed.ts";
import type { Surroundings } from "./checks.ts";
import type { DialectTraits } from "./dialects.ts";
import { CUSTOM_DEVICE } from "./devices.ts";
import { listed, type Problem } from "./problem.ts";
import type { Mesh } from "./schema.ts";

type PoolEntry = Mesh["pools"][string];

/** Pools that name what is not there, or could not work as they are described. */
export function* poolProblems(around: Surroundings): Generator<Problem> {
  for (const [name, pool] of around.pools) {
    const path = `pools.${name}`;
    yield* unknownNames(pool, path, around);
    yield* roles(pool, path, around);
    yield* price(pool, path);
    yield* routes(pool, path, around);
    if (embeds(pool, around)) {
      yield* memory(pool, path, around);
      continue;
    }
    if (pool.roles.includes("encode")) {
      yield* encodes(pool, path, around);
      continue;
    }
    yield* memory(pool, path, around);
    yield* outgoing(name, pool, path, around);
  }
}

function* unknownNames(pool: PoolEntry, path: string, around: Surroundings): Generator<Problem> {
  if (!around.models.has(pool.model)) {
    yield {
      path: `${path}.model`,
      problem: `there is no model \`${pool.model}\``,
      fix: `add it to \`models\` or name one of ${listed(around.models.keys())} (not an alias)`,
    };
  }
  if (!around.regions.has(pool.region)) {
    yield {
      path: `${path}.region`,
      problem: `there is no region \`${pool.region}\``,
      fix: `add it to \`regions\` or name one of ${listed(around.regions.keys())}`,
    };
  }
  if (around.devices.has(pool.device)) return;
  const isCustom = pool.device === CUSTOM_DEVICE;
  yield {
    path: `${path}.device`,
    problem: isCustom
      ? "`custom` has no numbers of its own"
      : `there is no device class \`${pool.device}\``,
    fix: isCustom
      ? "describe it under `devices.custom`"
      : `describe it under \`devices\` or name one of ${listed(around.devices.keys())}`,
  };
}

function* roles(pool: PoolEntry, path: string, around: Surroundings): Generator<Problem> {
  const { dialects } = around;
  const dialect = dialects.get(pool.dialect);
  if (!dialect) {
    yield {
      path: `${path}.dialect`,
      problem: `there is no dialect \`${pool.dialect}\``,
      fix: `name one of ${listed(dialects.keys())}`,
    };
    return;
  }
  if (embeds(pool, around)) {
    yield* embedding(pool, path, dialect);
    return;
  }
  const wanted = [...pool.roles].toSorted().join();
  const phases = dialect.handsOff ? [["prefill"], ["decode"], BOTH] : [BOTH];
  const roleSets = dialect.encodes ? [...phases, ["encode"]] : phases;
  if (roleSets.some((set) => [...set].toSorted().join() === wanted)) return;
  const choices = roleSets.map((set) => JSON.stringify(set)).join(" or ");
  yield {
    path: `${path}.roles`,
    problem: `engines that speak \`${pool.dialect}\` cannot have the roles ${JSON.stringify(pool.roles)}`,
    fix: `use ${choices}, or a dialect that can`,
  };
}

const BOTH = ["prefill", "decode"];

function embeds({ model }: PoolEntry, { models }: Surroundings): boolean {
  return models.get(model)?.kind === "embedding";
}

/** Its engines make vectors of prompts, and decode nothing. */
function* embedding(pool: PoolEntry, path: string, dialect: DialectTraits): Generator<Problem> {
  if (dialect.scheme !== undefined) {
    yield {
      path: `${path}.dialect`,
      problem: `\`${pool.dialect}\` is spoken for chats only, and \`${pool.model}\` embeds`,
      fix: "use the dialect of an engine with OpenAI's API, such as `openai`",
    };
  }
  if (pool.roles.join() === "prefill") return;
  yield {
    path: `${path}.roles`,
    problem: `engines that embed cannot have the roles ${JSON.stringify(pool.roles)}`,
    fix: 'write `"roles": ["prefill"]`',
  };
}

function* price(pool: PoolEntry, path: string): Generator<Problem> {
  if (pool.routed === "us" || pool.perMTok) return;
  yield {
    path: `${path}.perMTok`,
    problem: "the price is missing: a pool that routes itself is paid by the token",
    fix: "add `perMTok` with `in`, `cached` and `out`, in dollars per million tokens",
  };
}

function* routes(pool: PoolEntry, path: string, { dialects }: Surroundings): Generator<Problem> {
  if (pool.routed === "itself" || dialects.get(pool.dialect)?.scheme === undefined) return;
  yield {
    path: `${path}.routed`,
    problem: `\`${pool.dialect}\` chooses its engines itself`,
    fix: 'write `"routed": "itself"`',
  };
}

function* memory(pool: PoolEntry, path: string, around: Surroundings): Generator<Problem> {
  const device = around.devices.get(pool.device);
  const model = around.models.get(pool.model);
  if (!device || !model || pool.routed === "itself") return;
  const speed = speedOf({ devices: pool.devices }, device, { ...model, id: pool.model });
  if (speed.kvTokens > 0) return;
  yield {
    path: `${path}.devices`,
    problem: `the weights of \`${pool.model}\` leave no room for KV cache in ${pool.devices} × \`${pool.device}\``,
    fix: "raise `devices` (per engine), or choose a device class with more memory",
  };
}

/** Its engines hold no KV cache, and need no link. */
function* encodes(pool: PoolEntry, path: string, { pools }: Surroundings): Generator<Problem> {
  const { model, region, dialect } = pool;
  if (pool.routed === "itself") {
    yield {
      path: `${path}.routed`,
      problem: "engines that encode are named one by one, and this pool hides them",
      fix: 'write `"routed": "us"` and list them in `engines`',
    };
  }
  const isUsed = [...pools.values()].some(
    (other) =>
      other.model === model &&
      other.region === region &&
      other.dialect === dialect &&
      other.routed === "us" &&
      other.roles.includes("decode"),
  );
  if (isUsed) return;
  yield {
    path,
    problem: `the pool only encodes, and no \`${dialect}\` pool in \`${region}\` decodes \`${model}\``,
    fix: "add such a pool, or move this one to where it is",
  };
}

function* outgoing(
  name: string,
  pool: PoolEntry,
  path: string,
  { mesh, pools }: Surroundings,
): Generator<Problem> {
  if (pool.roles.includes("decode")) return;
  const isUsed = mesh.links.some(
    ({ from, to }) => from === name && pools.get(to)?.roles.includes("decode"),
  );
  if (isUsed) return;
  yield {
    path,
    problem: "the pool only prefills, and no link leads from it to a pool that decodes",
    fix: `add a link with \`"from": "${name}"\` to \`links\`, or give the pool the role \`decode\``,
  };
}
