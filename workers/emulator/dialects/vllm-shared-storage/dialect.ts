import { phasesOf } from "../../../../src/core/phases.ts";
import { heldOf } from "../../../../src/sim/hash.ts";
import type { Counts } from "../../../../src/sim/sequence.ts";
import type { Leg } from "../../ledger.ts";
import { vllmMetrics } from "../../metrics/vllm.ts";
import { failure } from "../../problem.ts";
import type { Run } from "../../run.ts";
import type { EngineConfig } from "../../config.ts";
import type { EmulatedDialect, EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { LOAD_FAILED, loadFailureFrames, recomputes } from "../vllm/load-failure.ts";
import { vllmUsage } from "../vllm/usage.ts";
import { SharedStore } from "./shared-store.ts";

/** vLLM engines that share a store: each finds there what any has prefilled, and declines when that is too little. */
export const vllmSharedStorage: EmulatedDialect = (side) => {
  const store = new SharedStore(side);
  const declined = declinedBy(side.config);
  return {
    take(request) {
      const threshold = request.body["cache_hit_threshold"] ?? 0;
      if (typeof threshold !== "number" || !(threshold >= 0 && threshold <= 1)) {
        const message = "`cache_hit_threshold` must be between 0.0 and 1.0.";
        return failure(400, "BadRequestError", message);
      }
      const requestId = request.headers.get("x-request-id") ?? "";
      const leg = legOf(request, threshold > 0 || declined.delete(requestId), side);
      const decline = (run: Run): void => {
        declined.add(requestId);
        run.stop("cache_threshold");
      };
      return gated(request, leg, { threshold, decline }, store, side);
    },
    routes: { "GET /metrics": () => vllmMetrics(side) },
  };
};

/** Names of requests that came to nothing: what is sent again is a decode leg to the ledger, whoever restarted meanwhile. */
function declinedBy(config: EngineConfig): Set<string> {
  const known = declines.get(config) ?? new Set<string>();
  declines.set(config, known);
  return known;
}

const declines = new WeakMap<EngineConfig, Set<string>>();

/** A request that waits, once let in, for what the store has of it. */
function gated(
  { ask, isLoadFailing }: EngineRequest,
  leg: Leg,
  { threshold, decline }: { readonly threshold: number; decline(run: Run): void },
  store: SharedStore,
  side: EngineSide,
): Taken {
  const { engine, clock } = side;
  const writes: Promise<void>[] = [];
  let run: Run | undefined;
  /** Let in, it looks what there is of the prompt here and in the store. */
  const look = async (choice: number, { cachedTokens, promptTokens }: Counts): Promise<void> => {
    const stored = await store.tokensOf(ask, choice);
    if (!run) return;
    if (Math.max(cachedTokens, stored) / promptTokens < threshold) return decline(run);
    const isLoading = stored > cachedTokens;
    if (isLoading && isLoadFailing && !recomputes(side)) return run.fail(LOAD_FAILED);
    const held = heldOf(ask.choices[choice]?.tokens ?? []);
    const pull =
      isLoading && !isLoadFailing ? { held, tokens: stored, link: store.link } : undefined;
    engine.resume(run.id(choice), pull, clock.now());
    clock.catchUp();
  };
  return {
    leg,
    order: () => ({ awaitsPull: true }),
    // What it loaded counts as cached too.
    usage: (run) => vllmUsage(run, run.cachedTokens + run.counts.pulledTokens, side),
    failureFrames: loadFailureFrames,
    hooks: {
      open: (opened) => {
        run = opened;
      },
      started: (choice, counts) => void look(choice, counts),
      prefilled: (choice) => {
        writes[choice] = store.write(ask, choice);
      },
      said: (choice) => writes[choice],
    },
  };
}

/** The request does not say which leg it is; the ledger goes by what a router sends. */
function legOf({ body }: EngineRequest, isDecode: boolean, { config }: EngineSide): Leg {
  const [role, otherRole] = phasesOf(config.pool);
  if (role === "prefill" && !otherRole) return role;
  if (isDecode) return "decode";
  const most = body["max_completion_tokens"] ?? body["max_tokens"];
  return most === 1 ? "prefill" : "both";
}
