import { heldOf, type Held } from "../../../../src/sim/hash.ts";
import type { EngineAsk } from "../../ask.ts";
import { vllmMetrics } from "../../metrics/vllm.ts";
import { failure } from "../../problem.ts";
import { usageOf } from "../../shapes.ts";
import type { EmulatedDialect, EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { blockIdsOf, newRequestNumber, readHandle, writeHandle } from "./handle.ts";
import { legOf } from "./leg.ts";
import { findPull, NO_PULL, readLeaseMessage } from "./pull.ts";

/** vLLM with the NixlConnector: prefill answers with a handle on leased blocks, decode fetches what one names. */
export const vllmNixl: EmulatedDialect = (side) => ({
  take(request) {
    const leg = legOf(request.body);
    if (leg === "prefill") return takePrefill(request, side);
    return takeDecode(leg, request, side);
  },
  meet: (message) => meet(message, side),
  routes: { "GET /metrics": () => vllmMetrics(side) },
});

function takePrefill({ ask }: EngineRequest, side: EngineSide): Taken | Response {
  if (ask.stream) return failure(400, "invalid_stream", "do_remote_decode cannot be streamed.");
  const { requestId, raw } = handOut(ask, side);
  return {
    leg: "prefill",
    order: (choice) => (choice === 0 ? { leaseAs: requestId } : {}),
    usage: (run) => usageOf(run, isToldBy(side) ? run.cachedTokens : 0),
    members: () => ({ answer: { kv_transfer_params: raw } }),
  };
}

/** A decode leg that pulled claims all but one token as cached, as vLLM does. */
async function takeDecode(
  leg: "decode" | "both",
  { text, ask }: EngineRequest,
  side: EngineSide,
): Promise<Taken> {
  const handle = leg === "decode" ? readHandle(text) : undefined;
  const { pull, release } = handle ? await findPull(handle, side) : NO_PULL;
  const releaseOnce = once(release);
  return {
    leg,
    order: () => (pull ? { pull } : {}),
    usage: (run) => {
      const cached = pull ? ask.promptTokens - 1 : run.cachedTokens;
      return usageOf(run, isToldBy(side) ? cached : 0);
    },
    // A process that died tells nothing, but the heartbeats that keep the lease end with it.
    hooks: { pulled: releaseOnce, over: releaseOnce },
  };
}

function isToldBy(side: EngineSide): boolean {
  return side.settings().usageDetails !== false;
}

/** The handle under which a prefill leg's blocks will be held. */
function handOut(
  ask: EngineAsk,
  { config, engine }: EngineSide,
): { requestId: string; raw: string } {
  const tokens = ask.choices[0]?.tokens ?? [];
  const requestId = newRequestNumber();
  const blockIds = blockIdsOf(heldOf(tokens));
  const handle = { engineId: engine.engineId, host: config.name, requestId, blockIds };
  return { requestId, raw: writeHandle(handle, tokens.length) };
}

/** A decode engine wants blocks that it has a handle on, or wants them no more. */
function meet(message: unknown, { engine, clock }: EngineSide): Held | undefined {
  const lease = readLeaseMessage(message);
  if (!lease) return undefined;
  const { action, handle } = lease;
  if (action === "close") {
    engine.closeLease(handle.requestId, clock.now());
    clock.catchUp();
    return undefined;
  }
  if (engine.engineId !== handle.engineId) return undefined;
  const isMeant = (held: Held): boolean => blockIdsOf(held).join() === handle.blockIds.join();
  const held = engine.openLease(handle.requestId, isMeant, clock.now());
  clock.catchUp();
  return held;
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
