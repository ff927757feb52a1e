import type { EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { sglangFailureFrames } from "./errors.ts";
import { dpSizeOf, rankSalt } from "../ranks.ts";
import { sglangUsage } from "./usage.ts";

/** A server of both phases: its ranks take turns, unless a request names one. */
export function unifiedServer(side: EngineSide): (request: EngineRequest) => Taken {
  const ranks = dpSizeOf(side.config);
  let turn = 0;
  return ({ ask, headers }) => {
    const named = Number(headers.get("x-data-parallel-rank") ?? turn++);
    const salt = rankSalt(ask.cacheSalt, Number.isInteger(named) ? named % ranks : 0);
    return {
      leg: "both",
      opens: "first-token",
      order: () => ({ salt }),
      usage: (run) => sglangUsage(run, run.cachedTokens, side.settings()),
      failureFrames: sglangFailureFrames,
    };
  };
}
