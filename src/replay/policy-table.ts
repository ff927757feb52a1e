import { phaseway } from "./phaseway/phaseway.ts";
import { baselines, splitBaselines } from "./policies/policies.ts";
import { splitSweeps, sweeps } from "./policies/sweeps.ts";
import type { PolicyEntry } from "./policy.ts";

/** Every policy by the name that `--policy` takes. */
export const policies: ReadonlyMap<string, PolicyEntry> = new Map([
  ["phaseway", phaseway()],
  ...baselines,
  ...splitBaselines,
  ["phaseway-no-order", phaseway({ without: "order" })],
  ["phaseway-no-pull", phaseway({ without: "pull" })],
  ["phaseway-no-reserve", phaseway({ without: "reserve" })],
]);

/** Those that make sense on a fleet of equal engines, ours first. */
export const policiesForEqualEngines: readonly string[] = ["phaseway", ...baselines.keys()];

const variants: ReadonlyMap<string, PolicyEntry> = new Map(
  [...sweeps.values(), ...splitSweeps.values()].flat().map((entry) => [entry.name, entry]),
);

/** The policy of that name; a baseline's with the parameters of a sweep after it. */
export function policyNamed(name: string): PolicyEntry {
  const found = policies.get(name) ?? variants.get(name);
  if (found) return found;
  const names = [...policies.keys()].join(", ");
  throw new RangeError(`no policy is called \`${name}\`; there are ${names}`);
}
