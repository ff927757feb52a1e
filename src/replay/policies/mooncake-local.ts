import type { PolicyEntry } from "../policy.ts";
import { isUsable, leastOf, sendTo } from "./choose.ts";
import { ExpectedMatch } from "./expected-match.ts";
import { predictedTtftMs } from "./predicted-ttft.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * Mooncake's cache-aware scheduling without transfers (FAST'25 §5, "local cache-aware" of Fig. 5; arXiv 2407.00079,
 * Algorithm 1 up to its balancing branch): the lowest queue + prefill time, with what each engine holds itself. The
 * round trip is added in its favour: the paper has one cluster.
 */
export function mooncakeLocal(params: MooncakeLocalParams = {}): PolicyEntry {
  const { rejectTtftMs = Infinity, nearTie = 0, predicts = true } = params;
  return {
    name: "mooncake-local",
    instances: "edge",
    create(setup) {
      const unseen = new UnseenSends(setup);
      const match = new ExpectedMatch(setup, predicts);
      return {
        route(request) {
          let least = Infinity;
          const engine = leastOf(
            setup.fleet.engines,
            (one) => {
              if (!isUsable(one, request)) return Infinity;
              const ttftMs = predictedTtftMs(setup, unseen, one, request, match.of(one, request));
              least = Math.min(least, ttftMs);
              return ttftMs;
            },
            setup.random,
            nearTie,
          );
          if (!engine) return sendTo(undefined);
          if (least > rejectTtftMs) return { kind: "refuse", reason: "TTFT over SLO" };
          unseen.add(engine, request, match.of(engine, request));
          match.add(engine, request);
          return sendTo(engine);
        },
      };
    },
  };
}

export type MooncakeLocalParams = {
  /** Requests predicted to wait longer for their first token are refused, ms; none unless told. */
  readonly rejectTtftMs?: number;
  /** Share above the lowest predicted TTFT that counts as equal: a router's own remedy for stale views. */
  readonly nearTie?: number;
  /** Counts what it sent as held before it is computed; true unless told, as the Conductor knows what it placed. */
  readonly predicts?: boolean;
};
