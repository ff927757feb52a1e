import type { Problem } from "../../problem.ts";
import { DONE_FRAME, frame } from "../../shapes.ts";
import type { EngineSide } from "../dialect.ts";

/** How a request ends whose blocks could not be fetched, where `kv_load_failure_policy` is `fail`. */
export const LOAD_FAILED: Problem = {
  status: 500,
  code: "kv_load_failed",
  message: "Internal server error",
};

/** A stream tells of it under a status of 200; of nothing else. */
export function loadFailureFrames(problem: Problem): string | undefined {
  if (problem !== LOAD_FAILED) return undefined;
  const { message, status } = problem;
  return (
    frame({ error: { message, type: "InternalServerError", param: null, code: status } }) +
    DONE_FRAME
  );
}

/** What was not fetched is computed here instead. */
export function recomputes(side: EngineSide): boolean {
  return side.settings().kvLoadFailurePolicy === "recompute";
}
