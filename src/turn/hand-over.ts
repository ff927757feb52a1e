import type { LegFailure } from "../region/service.ts";
import { answerLeg, begun, failed, suspecting } from "./answer-leg.ts";
import { resolveSilence } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import { bring, hasLostKept, mayBring } from "./kv/import.ts";
import { begin, finish, type LegRun, orderFor, release, reserve, send } from "./legs.ts";
import { momentAfter } from "./moment-after.ts";
import type { Prepared } from "./prepare.ts";
import { keptFor, prefillAlone } from "./split.ts";
import type { Attempt, SplitRuns, Try } from "./try.ts";

/** Serial legs: prefill answers with a handle, and decode is sent with it. */
export async function handOver(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  { prefill, decode }: SplitRuns,
): Promise<Attempt> {
  begin(deps, prefill, aim.runs);
  const kept = keptFor(turn, aim);
  const { pool } = prefill.grant;
  const isStored = kept.kept !== undefined && mayBring(deps, turn, pool);
  const isLost = isStored && (await hasLostKept(deps, turn, pool));
  const bringing = kept.kept === undefined || isLost ? bring(deps, turn, prefill) : undefined;
  const given = bringing === undefined ? kept : await bringing;
  const sent = orderFor(deps, turn, prefill, aim.firstTokenTimeoutMs, given);
  const answer = await send(deps, prefill, sent, momentAfter(turn.signal));
  if (answer.ok && answer.kind === "answering") {
    release(deps, decode);
    return begun(deps, turn, { ...aim, placement: prefillAlone(aim) }, prefill, {}, answer);
  }
  if (!answer.ok || answer.kind !== "prefilled" || answer.handoff === undefined) {
    release(deps, decode);
    return failed(deps, turn, prefill, answer);
  }
  finish(deps, prefill, "served", { usage: answer.usage, told: answer.told });
  const { betweenLegs } = deps.capabilities(turn.dialectOf(prefill.grant.pool)).safeEnd;
  if (turn.signal.aborted && betweenLegs === "nothing") {
    release(deps, decode);
    return { ok: false, failure: { kind: "aborted", message: "the caller left" }, engines: [] };
  }
  // Found out while decode runs, so that it is known when the client is told.
  deps.waitUntil(resolveSilence(deps, [prefill]));
  return decodeLeg(deps, turn, aim, decode, { prefill, handoff: answer.handoff });
}

/** Decodes what was handed over; where the engine would not take it, the blocks still wait for another of its pool. */
async function decodeLeg(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  run: LegRun,
  handed: { readonly prefill: LegRun; readonly handoff: string },
): Promise<Attempt> {
  const first = await answerLeg(deps, turn, aim, run, handed);
  if (first.ok || turn.signal.aborted) return first;
  // What it waited for in vain may be its own first token, or blocks that never came.
  if (first.failure.kind === "stalled") return suspecting(first, handed.prefill);
  if (!NOT_TAKEN.has(first.failure.kind)) return first;
  const avoid = [...aim.avoid, run.grant.engine];
  const order = { leg: "decode", pool: run.grant.pool, requestId: run.requestId, avoid } as const;
  const handedTokens = turn.ask.promptTokens;
  const other = await reserve(deps, turn, { ...order, handedTokens, startBy: aim.startBy });
  if (!other.ok) return first.suspects ? suspecting(first, handed.prefill) : first;
  const second = await answerLeg(deps, turn, aim, other.run, handed);
  if (second.ok) return second;
  const engines = [...first.engines, ...second.engines];
  const suspects = [...(first.suspects ?? []), ...(second.suspects ?? [])];
  // What neither of two could take is not there, or not to be had.
  const isSource = first.suspects && second.suspects;
  return { ...second, suspects, engines: isSource ? [handed.prefill.grant.engine] : engines };
}

/** Failures of a decode engine that cannot have fetched anything yet. */
const NOT_TAKEN: ReadonlySet<LegFailure["kind"]> = new Set(["unreachable", "status", "overloaded"]);
