import type { EngineGauges, PolicySetup, ReplayRequest } from "../policy.ts";
import type { UnseenSends } from "./unseen.ts";

/**
 * Round trip, queue and prefill of a request at an engine with `cachedTokens` of its prompt, ms. What the view showed
 * in the queue has been worked on since.
 */
export function predictedTtftMs(
  setup: PolicySetup,
  unseen: UnseenSends,
  engine: EngineGauges,
  request: ReplayRequest,
  cachedTokens: number,
): number {
  return (
    setup.fleet.rttMs(engine.engine, request) +
    queueMs(setup, unseen, engine) +
    engine.speed.prefillMs(request.promptTokens, cachedTokens)
  );
}

/** Prefill work before a new prompt at an engine, ms. */
export function queueMs(setup: PolicySetup, unseen: UnseenSends, engine: EngineGauges): number {
  return Math.max(0, engine.queuedMs - setup.fleet.ageMs) + unseen.of(engine).prefillMs;
}
