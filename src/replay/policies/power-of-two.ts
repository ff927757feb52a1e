import type { EngineGauges, PolicyEntry } from "../policy.ts";
import { leastOf, sendTo, usableEngines } from "./choose.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * Of two engines drawn at random the one with fewer requests. `power_of_two` of the SGLang gateway
 * (`policies/mod.rs` @01f6c92a) and Dynamo (`router-guide.md` @0091c322), after Mitzenmacher 2001.
 */
export function powerOfTwo({ choices = 2 }: PowerOfTwoParams = {}): PolicyEntry {
  return {
    name: "power-of-two",
    instances: "edge",
    create(setup) {
      const unseen = new UnseenSends(setup);
      return {
        route(request) {
          const engines = usableEngines(setup, request);
          const drawn: EngineGauges[] = [];
          while (drawn.length < choices && engines.length > 0) {
            drawn.push(...engines.splice(Math.floor(setup.random() * engines.length), 1));
          }
          const engine = leastOf(
            drawn,
            (one) => one.waiting + one.running + unseen.of(one).requests,
            setup.random,
          );
          if (engine) unseen.add(engine, request, 0);
          return sendTo(engine);
        },
      };
    },
  };
}

export type PowerOfTwoParams = {
  /** Engines drawn, all different; 2 unless told. */
  readonly choices?: number;
};
