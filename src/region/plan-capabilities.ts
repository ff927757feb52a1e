import { rawMember } from "../core/json-members.ts";
import type { Usage } from "../core/leg.ts";
import type { BrokenOff, RequestTraits } from "../core/request-traits.ts";
import { forClient } from "../engines/for-client.ts";
import { dialectOf } from "../engines/registry.ts";

export type { ExportsKv } from "../engines/dialect.ts";

/** What planning may know of a dialect, by its name. */
export function planCapabilities(name: string): Known {
  const known = byName.get(name) ?? knownOf(name);
  byName.set(name, known);
  return known;
}

type Known = ReturnType<typeof knownOf>;

// A plan asks once a pool.
const byName = new Map<string, Known>();

function knownOf(name: string) {
  const dialect = dialectOf(name);
  return {
    ...dialect.capabilities,
    tookHandoff: (usage: Usage) => dialect.tookHandoff(usage),
    splits: (traits: RequestTraits) => dialect.splits(traits),
    continues: dialect.continues,
    canContinue: (request: BrokenOff) => dialect.canContinue(request),
    safeEnd: dialect.safeEnd,
    keeps: dialect.keeps,
    encodes: dialect.encodes,
    exportsKv: dialect.exportsKv,
    told: (json: string) => dialect.told?.(json),
    forClient(request: Uint8Array) {
      const { unasked = [] } = dialect;
      const hidden = unasked.filter((name) => rawMember(request, [name]) === undefined);
      return (json: string) => forClient(json, hidden);
    },
  };
}
