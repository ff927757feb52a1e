import { heldOf } from "../../../../src/sim/hash.ts";
import { LEASE_MS } from "../../../../src/sim/leases.ts";
import type { Counts } from "../../../../src/sim/sequence.ts";
import { failure } from "../../problem.ts";
import type { Run } from "../../run.ts";
import type { EngineRequest, EngineSide, LegHooks, Taken } from "../dialect.ts";
import { LOAD_FAILED, recomputes } from "../vllm/load-failure.ts";
import { vllmUsage } from "../vllm/usage.ts";
import { blockIdsOf, newRequestNumber, readHandle, writeHandle, type Handle } from "./handle.ts";
import { endBlocks, openBlocks } from "./pull.ts";

/** `kv_recompute_threshold`: fewer tokens are not worth a transfer. */
const FEWEST_TOKENS = 64;

/** A prefill leg: answered with a handle on its blocks, and, given one of an earlier turn's decode, it fetches from there. */
export function takePrefill(request: EngineRequest, side: EngineSide): Taken | Response {
  const { ask, text } = request;
  if (ask.stream) return failure(400, "invalid_stream", "do_remote_decode cannot be streamed.");
  const { requestId, raw } = handOut(request, side);
  const { leaseMs = LEASE_MS } = side.settings();
  const named = readHandle(text);
  const kept = named && named.blockIds.length > 0 ? named : undefined;
  return {
    leg: "prefill",
    order: (choice) =>
      choice === 0 ? { leaseAs: requestId, leaseMs, ...(kept && { awaitsPull: true }) } : {},
    // What it fetched counts as cached too.
    usage: (run) => vllmUsage(run, run.cachedTokens + run.counts.pulledTokens, side),
    members: () => ({ answer: { kv_transfer_params: raw } }),
    ...(kept && { hooks: fetching(kept, request, side) }),
  };
}

/** The handle under which a prefill leg's blocks will be held. */
function handOut(
  { ask }: EngineRequest,
  { config, engine }: EngineSide,
): { requestId: string; raw: string } {
  const tokens = ask.choices[0]?.tokens ?? [];
  const requestId = newRequestNumber();
  const blockIds = blockIdsOf(heldOf(tokens));
  const host = config.name;
  const given = { engineId: engine.engineId, host, requestId, blockIds, tokens: tokens.length };
  return { requestId, raw: writeHandle({ ...given, giver: "prefill" }) };
}

/** Once let in, it fetches what it does not hold of the conversation; what is not there any more it computes. */
function fetching(kept: Handle, request: EngineRequest, side: EngineSide): LegHooks {
  let run: Run | undefined;
  let isOpened = false;
  const end = (action: "close" | "leave"): void => {
    if (isOpened) endBlocks(action, kept, side);
    isOpened = false;
  };
  const fetch = async ({ cachedTokens, promptTokens }: Counts): Promise<void> => {
    if (!run) return;
    const id = run.id(0);
    const { engine, clock } = side;
    const tokens = Math.min(kept.tokens, promptTokens);
    const link = side.linkFrom(kept.host) ?? side.linkTo(kept.host);
    const held = link && (await openBlocks(kept, side));
    isOpened = held !== undefined;
    const isWorthIt = tokens - cachedTokens >= FEWEST_TOKENS;
    if (held && isWorthIt && request.isLoadFailing && !recomputes(side)) {
      end("leave");
      return run.fail(LOAD_FAILED);
    }
    const pull =
      held && link && isWorthIt && !request.isLoadFailing ? { held, link, tokens } : undefined;
    // The other engine is told even when there was nothing to fetch.
    if (!engine.resume(id, pull, clock.now()) || !pull) end("close");
    clock.catchUp();
  };
  return {
    open: (opened) => {
      run = opened;
    },
    started: (choice, counts) => {
      if (choice === 0) void fetch(counts);
    },
    pulled: () => end("close"),
    over: () => end("leave"),
  };
}
