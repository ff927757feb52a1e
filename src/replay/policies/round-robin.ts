import type { PolicyEntry } from "../policy.ts";
import { sendTo, usableEngines } from "./choose.ts";

/**
 * One engine after another, each router for itself. The default of vLLM's production-stack (`routing_logic.py`), of
 * Dynamo and of the SGLang gateway as `round_robin`; they begin at the first engine, here each edge begins anywhere.
 */
export function roundRobin(): PolicyEntry {
  return {
    name: "round-robin",
    instances: "edge",
    create(setup) {
      let next = Math.floor(setup.random() * setup.fleet.engines.length);
      return {
        route(request) {
          const engines = usableEngines(setup, request);
          return sendTo(engines[next++ % Math.max(1, engines.length)]);
        },
      };
    },
  };
}
