import { vllmMetrics } from "../../metrics/vllm.ts";
import type { EmulatedDialect } from "../dialect.ts";
import { legOf } from "../vllm/leg.ts";
import { takeDecode } from "./decode.ts";
import { takePrefill } from "./prefill.ts";
import { meetAboutLease } from "./pull.ts";

/** vLLM with the NixlConnector: prefill answers with a handle on leased blocks, decode fetches what one names. */
export const vllmNixl: EmulatedDialect = (side) => ({
  take(request) {
    const leg = legOf(request.body);
    if (leg === "prefill") return takePrefill(request, side);
    return takeDecode(leg, request, side);
  },
  meet: (message) => meetAboutLease(message, side),
  routes: { "GET /metrics": () => vllmMetrics(side) },
});
