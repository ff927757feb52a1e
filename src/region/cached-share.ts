import type { Fleet } from "../core/fleet.ts";
import type { LegKind, Usage } from "../core/leg.ts";
import { capabilitiesOf } from "../engines/registry.ts";

/**
 * Share of its prompt that a leg found in its engine's cache, 0 to 1; undefined where that leg does not tell it truly, or
 * its engine said nothing of it and is not known to mean none by that.
 */
export function cachedShare(
  fleet: Fleet,
  run: { readonly engine: string; readonly leg: LegKind; readonly usage: Usage | undefined },
  isSilenceNone: (engine: string) => boolean,
): number | undefined {
  const { engine, leg, usage } = run;
  const pool = fleet.pools.get(engine.slice(0, engine.lastIndexOf("/")));
  if (pool === undefined || usage === undefined || usage.promptTokens <= 0) return undefined;
  const { together, disaggregated } = capabilitiesOf(pool.dialect).cachedFrom;
  const isTrue = leg === "both" ? together : leg === "prefill" && disaggregated === "prefill";
  if (!isTrue) return undefined;
  const cachedTokens = usage.cachedTokens ?? (isSilenceNone(engine) ? 0 : undefined);
  return cachedTokens === undefined ? undefined : Math.min(1, cachedTokens / usage.promptTokens);
}
