import type { Pull } from "../../../../src/sim/sequence.ts";
import type { Run } from "../../run.ts";
import type { EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { LOAD_FAILED, loadFailureFrames, recomputes } from "../vllm/load-failure.ts";
import { vllmUsage } from "../vllm/usage.ts";
import { readHandle, type Handle } from "./handle.ts";
import { keepForNextTurn } from "./keep.ts";
import { endBlocks, openBlocks } from "./pull.ts";

/** A request that is not prefill's: with a handle it fetches all of its prompt but the last token. */
export async function takeDecode(
  leg: "decode" | "both",
  request: EngineRequest,
  side: EngineSide,
): Promise<Taken> {
  const handle = leg === "decode" ? readHandle(request.text) : undefined;
  const kept = leg === "decode" ? keepForNextTurn(side) : {};
  // A handle that lacks something the engine logs, and does without.
  const pull = handle && (await pullOf(handle, request, side));
  if (handle && !pull && !recomputes(side)) return failing(side);
  const { ask } = request;
  let isClosed = false;
  const close = (): void => {
    if (pull && handle && !isClosed) endBlocks("close", handle, side);
    isClosed = true;
  };
  return {
    leg,
    order: (choice) => ({ ...(pull && { pull }), ...(choice === 0 && kept.order) }),
    // Of what it fetched it claims all but one token as cached.
    usage: (run) => vllmUsage(run, pull ? ask.promptTokens - 1 : run.cachedTokens, side),
    ...(kept.members && { members: kept.members }),
    // A process that died tells nothing, but the heartbeats that keep the lease end with it.
    hooks: { pulled: close, over: close },
  };
}

async function pullOf(
  handle: Handle,
  { isLoadFailing }: EngineRequest,
  side: EngineSide,
): Promise<Pull | undefined> {
  const link = isLoadFailing ? undefined : side.linkFrom(handle.host);
  const held = link && (await openBlocks(handle, side));
  return held && link && { held, link };
}

/** It fails when the scheduler has let it in and finds nothing to fetch. */
function failing(side: EngineSide): Taken {
  let failed: Run | undefined;
  return {
    leg: "decode",
    order: () => ({ awaitsPull: true }),
    usage: (run) => vllmUsage(run, 0, side),
    failureFrames: loadFailureFrames,
    hooks: {
      open: (run) => {
        failed = run;
      },
      started: () => failed?.fail(LOAD_FAILED),
    },
  };
}
