import { DONE_FRAME, frame } from "../../shapes.ts";
import { RESTARTED } from "../../run.ts";
import type { Problem } from "../../problem.ts";

/** A problem as SGLang answers it: the error is the body itself. */
export function sglangRefusal(problem: Problem): Response {
  return Response.json(bodyOf(problem), { status: problem.status });
}

/** What SGLang finds out after it took a stream it tells in the stream, under a status of 200; bad requests it refuses. */
export function sglangFailureFrames(problem: Problem): string | undefined {
  if (problem.status < 500 || problem === RESTARTED) return undefined;
  return frame({ error: bodyOf(problem) }) + DONE_FRAME;
}

/** A request without a room, for an engine of one role. */
export function noRoom(rid: string): Problem {
  const message = `Invalid request: Disaggregated request received without bootstrap room id. req.rid='${rid}'`;
  return { status: 400, code: "no_bootstrap_room", message };
}

/** A failure of one room, worded as the side's scheduler does. */
export function transferFailed(stage: Stage, room: string, rid: string, reason: string): Problem {
  const request = stage.startsWith("Decode") ? "decode_req.req" : "req";
  const message = `${stage} failed for request rank=0 ${request}.rid='${rid}' ${request}.bootstrap_room=${room} with exception KVTransferError(bootstrap_room=${room}): ${reason}`;
  return { status: 500, code: "kv_transfer_failed", message };
}

export type Stage =
  | "Prefill bootstrap"
  | "Prefill transfer"
  | "Decode handshake"
  | "Decode transfer";

function bodyOf({ status, message }: Problem): Record<string, unknown> {
  const type = status === 400 ? "BadRequest" : String(status);
  return { object: "error", message, type, param: null, code: status };
}
