import type { RequestTraits } from "../core/request-traits.ts";
import { dialectOf } from "../engines/registry.ts";

/** What planning may know of a dialect, by its name. */
export function planCapabilities(name: string) {
  const dialect = dialectOf(name);
  return {
    ...dialect.capabilities,
    splits: (traits: RequestTraits) => dialect.splits(traits),
    decodeInTransfer: dialect.safeEnd.decodeInTransfer,
  };
}
