import type { Phase } from "../../core/fleet.ts";
import type { Random } from "../../core/random.ts";
import type { EngineGauges, PolicySetup, Refuse, ReplayRequest, Send } from "../policy.ts";

/**
 * The engine at the least cost, any of several; undefined when every cost is Infinity. With `nearTie`, costs up to that
 * share above the least count as equal.
 */
export function leastOf(
  engines: readonly EngineGauges[],
  costOf: (engine: EngineGauges, at: number) => number,
  random: Random,
  nearTie = 0,
): EngineGauges | undefined {
  const costs = engines.map(costOf);
  const least = Math.min(...costs);
  if (least === Infinity) return undefined;
  const limit = least + Math.abs(least) * nearTie;
  let best: EngineGauges | undefined;
  let ties = 0;
  for (const [at, engine] of engines.entries()) {
    if ((costs[at] ?? Infinity) > limit) continue;
    ties += 1;
    if (ties === 1 || random() * ties < 1) best = engine;
  }
  return best;
}

/** True of an engine that is up, has the model and can do this of a request: all of it unless told. */
export function isUsable(
  engine: EngineGauges,
  request: ReplayRequest,
  what: Phase | "all" = "all",
): boolean {
  if (!engine.up || engine.model !== request.model) return false;
  if (what !== "all") return engine.roles.includes(what);
  const prefills = engine.roles.includes("prefill") || engine.prefillsAtDecode !== false;
  return prefills && engine.roles.includes("decode");
}

/** All engines that can take the whole request, in order of number. */
export function usableEngines(setup: PolicySetup, request: ReplayRequest): EngineGauges[] {
  return setup.fleet.engines.filter((engine) => isUsable(engine, request));
}

/** Sends to the engine chosen, or refuses when none could be. */
export function sendTo(engine: EngineGauges | undefined): Send | Refuse {
  return engine === undefined
    ? { kind: "refuse", reason: "no engine can take it" }
    : { kind: "send", engine: engine.engine };
}
