import { bothPhases } from "../both-phases.ts";
import { continuesNothing } from "../continues.ts";
import type { Dialect, Edits, LegContext } from "../dialect.ts";
import { wholeRequests } from "../whole-requests.ts";
import { nvextOf } from "./nvext.ts";
import { told } from "./told.ts";

/** NVIDIA Dynamo by its frontend, which chooses the workers, takes hints for that and tells whom it chose. */
export const dynamo: Dialect = {
  ...wholeRequests,
  name: "dynamo",
  handsOff: false,
  // Frontends before 1.4 refuse it.
  takesCacheSalt: false,
  canContinue: continuesNothing,
  write: (leg) => ({
    edits: editsOf(leg),
    headers: {
      "x-request-id": leg.requestId,
      ...(leg.session !== undefined && { "x-dynamo-session-id": leg.session }),
    },
  }),
  told,
  // Whom the frontend chose, as we ask it to tell.
  unasked: ["nvext"],
};

/** The salt goes into `nvext`: frontends refuse members that they do not know. */
function editsOf(leg: LegContext): Edits {
  const { cacheSalt: _salt, ...unsalted } = leg;
  const { set } = bothPhases(unsalted);
  return { set: { ...set, nvext: nvextOf(leg) }, remove: [] };
}
