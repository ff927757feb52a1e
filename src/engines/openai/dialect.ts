import { bothPhases } from "../both-phases.ts";
import type { Dialect } from "../dialect.ts";
import { wholeRequests } from "../whole-requests.ts";

/** One engine or hosted API that does both phases behind the OpenAI API. */
export const openai: Dialect = {
  ...wholeRequests,
  name: "openai",
  handsOff: false,
  takesCacheSalt: false,
  write: (leg) => ({
    edits: bothPhases(leg),
    headers: {
      "x-request-id": leg.requestId,
      ...(leg.session !== undefined && { "x-session-affinity": leg.session }),
    },
  }),
};
