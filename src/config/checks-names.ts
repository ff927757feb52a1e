import { placesOf } from "../core/places.ts";
import type { Surroundings } from "./checks.ts";
import { builtInDevices } from "./devices.ts";
import { listed, type Problem } from "./problem.ts";
import type { Mesh } from "./schema.ts";

/** Names that are taken twice or lead nowhere: device classes, aliases, models, rules, label thresholds. */
export function* namingProblems(around: Surroundings): Generator<Problem> {
  yield* deviceNames(around.mesh);
  yield* aliases(around);
  yield* unserved(around);
  yield* ruleNames(around);
  yield* thresholds(around.mesh);
}

function* deviceNames(mesh: Mesh): Generator<Problem> {
  for (const name of Object.keys(mesh.devices)) {
    if (!builtInDevices.has(name)) continue;
    yield {
      path: `devices.${name}`,
      problem: `\`${name}\` is a built-in device class`,
      fix: "give yours another name, and name it in the pools that run on it",
    };
  }
}

function* aliases({ mesh, models }: Surroundings): Generator<Problem> {
  const owners = new Map<string, string>();
  for (const [model, { aliases }] of Object.entries(mesh.models)) {
    for (const [n, alias] of aliases.entries()) {
      const owner = models.has(alias) ? alias : owners.get(alias);
      owners.set(alias, model);
      if (owner === undefined) continue;
      yield {
        path: `models.${model}.aliases.${n}`,
        problem: `\`${alias}\` already means the model \`${owner}\``,
        fix: "remove it here or there: a name has to mean one model",
      };
    }
  }
}

function* unserved({ models, pools }: Surroundings): Generator<Problem> {
  const served = new Set([...pools.values()].map(({ model }) => model));
  // A pool that names no model of the mesh is told so; which one it means is not known yet.
  if (![...served].every((model) => models.has(model))) return;
  for (const model of models.keys()) {
    if (served.has(model)) continue;
    yield {
      path: `models.${model}`,
      problem: "no pool serves this model",
      fix: `add a pool with \`"model": "${model}"\` to \`pools\`, or remove the model`,
    };
  }
}

function* ruleNames(around: Surroundings): Generator<Problem> {
  const { mesh, pools } = around;
  for (const [n, rule] of mesh.rules.entries()) {
    const path = `rules.${n}`;
    if (!rule.prefer && !rule.only) {
      yield {
        path,
        problem: "the rule does nothing",
        fix: "give it `prefer` or `only`, a list of pools",
      };
    }
    for (const effect of ["prefer", "only"] as const) {
      for (const [at, pool] of (rule[effect] ?? []).entries()) {
        if (pools.has(pool)) continue;
        yield {
          path: `${path}.${effect}.${at}`,
          problem: `there is no pool \`${pool}\``,
          fix: `name one of ${listed(pools.keys())}`,
        };
      }
    }
    if (rule.when.place !== undefined) yield* place(rule.when.place, `${path}.when.place`, around);
  }
}

function* place(value: string, path: string, { regions }: Surroundings): Generator<Problem> {
  const jurisdictions = [...regions.values()].flatMap(({ jurisdiction }) => jurisdiction ?? []);
  if (["anywhere", "edge-bound", ...jurisdictions].includes(value)) return;
  const site = /^edge-bound:(.*)$/.exec(value)?.[1];
  if (site !== undefined && regions.has(site)) return;
  yield {
    path,
    problem: `no request is ever labelled with the place \`${value}\``,
    fix: `use ${placesOf(regions)}`,
  };
}

function* thresholds({ labels }: Mesh): Generator<Problem> {
  const { mediumFrom, longFrom, ultraFrom } = labels.context;
  if (mediumFrom < longFrom && longFrom < ultraFrom) return;
  yield {
    path: "labels.context",
    problem: "the thresholds do not rise",
    fix: "make `mediumFrom` < `longFrom` < `ultraFrom`, in tokens",
  };
}
