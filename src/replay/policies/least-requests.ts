import type { PolicyEntry } from "../policy.ts";
import { isUsable, leastOf, sendTo } from "./choose.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * The engine with the fewest requests, waiting or running; any of several. `least-request` of AIBrix
 * (`gateway-plugins.rst` @01de8a51), `least-loaded` of Dynamo (`router-guide.md` @0091c322).
 */
export function leastRequests({ countsUnseen = true }: LeastRequestsParams = {}): PolicyEntry {
  return {
    name: "least-requests",
    instances: "edge",
    create(setup) {
      const unseen = new UnseenSends(setup);
      return {
        route(request) {
          const engine = leastOf(
            setup.fleet.engines,
            (one) =>
              isUsable(one, request)
                ? one.waiting + one.running + (countsUnseen ? unseen.of(one).requests : 0)
                : Infinity,
            setup.random,
          );
          if (engine) unseen.add(engine, request, 0);
          return sendTo(engine);
        },
      };
    },
  };
}

export type LeastRequestsParams = {
  /** Adds what this router sent and its view does not show yet; true unless told. */
  readonly countsUnseen?: boolean;
};
