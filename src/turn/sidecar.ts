import type { LegFailure } from "../region/service.ts";
import { answerLeg, suspecting, UNENCODED } from "./answer-leg.ts";
import type { TurnDeps } from "./deps.ts";
import { begin, finish } from "./legs.ts";
import type { Prepared } from "./prepare.ts";
import { splitOf } from "./split.ts";
import type { Attempt, SplitRuns, Try } from "./try.ts";

/** One request to the decode engine: what stands beside it runs the prefill leg on the engine that we name. */
export async function besideDecode(
  deps: TurnDeps,
  turn: Prepared,
  aim: Try,
  { prefill, decode }: SplitRuns,
): Promise<Attempt> {
  const split = splitOf(deps, { prefill, decode });
  begin(deps, prefill, aim.runs);
  prefill.isAssumed = true;
  const answer = await answerLeg(deps, turn, aim, decode, { split, prefill });
  if (answer.ok) {
    // Its first token is there, so the prompt was prefilled; by whom, its usage may tell at the end.
    finish(deps, prefill, "served");
    return answer;
  }
  const { kind, message, blames } = answer.failure;
  if (blames === "encoder") {
    finish(deps, prefill, "cancelled", { why: UNENCODED, failure: kind });
    return answer;
  }
  if (NEVER_RAN.has(kind)) {
    finish(deps, prefill, "cancelled", { why: message, failure: kind });
    return answer;
  }
  const why = `${message}; which of its two engines failed was not told`;
  const isUnclear = answer.suspects !== undefined;
  finish(deps, prefill, "failed", { why, failure: kind, isUnclear });
  if (isUnclear) return suspecting(answer, prefill);
  return { ...answer, engines: [...answer.engines, prefill.grant.engine] };
}

/** Failures at which nobody has sent anything to the prefill engine, or nobody wants it any more. */
const NEVER_RAN: ReadonlySet<LegFailure["kind"]> = new Set(["unreachable", "aborted"]);
