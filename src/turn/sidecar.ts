import { answerLeg, UNENCODED } from "./answer-leg.ts";
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
  const answer = await answerLeg(deps, turn, aim, decode, { split, prefill });
  if (answer.ok) {
    // Its first token is there, so the prompt was prefilled; by whom, its usage may tell at the end.
    finish(deps, prefill, "served");
    return answer;
  }
  const { failure } = answer;
  if (failure.blames === "encoder") {
    finish(deps, prefill, "cancelled", { why: UNENCODED, failure: failure.kind });
    return answer;
  }
  finish(deps, prefill, failure.kind === "aborted" ? "cancelled" : "failed", {
    why: `${failure.message}; which of its two engines failed was not told`,
    failure: failure.kind,
  });
  return { ...answer, engines: [...answer.engines, prefill.grant.engine] };
}
