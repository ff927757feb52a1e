import { bothPhases } from "../both-phases.ts";
import { continuesNothing } from "../continues.ts";
import type { Dialect } from "../dialect.ts";
import { wholeRequests } from "../whole-requests.ts";

/**
 * Cloudflare's Workers AI, which the edge worker calls by a binding in place of HTTP: `inputsOf` and `asOpenAi` beside
 * this are that binding's face of an engine with OpenAI's API.
 */
export const workersAi: Dialect = {
  ...wholeRequests,
  name: "workers-ai",
  handsOff: false,
  scheme: "workers-ai",
  takesCacheSalt: false,
  capabilities: { ...wholeRequests.capabilities, isChatOnly: true },
  canContinue: continuesNothing,
  write: (leg) => ({
    edits: bothPhases(leg),
    // Prefixes are cached where requests of one session go.
    headers: leg.session === undefined ? {} : { "x-session-affinity": leg.session },
  }),
};
