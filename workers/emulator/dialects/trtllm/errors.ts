import type { Problem } from "../../problem.ts";

/** A problem as TensorRT-LLM answers it: the error is the body itself. */
export function trtllmRefusal({ status, message }: Problem): Response {
  const type = status < 500 ? "BadRequestError" : "InternalServerError";
  return Response.json({ object: "error", message, type, param: null, code: status }, { status });
}

/** What the server says of a request that its models do not take, in pydantic's words. */
export function invalid(type: string, at: readonly string[], what: string): Problem {
  const where = ["body", ...at].map((name) => `'${name}'`).join(", ");
  const message = `[{'type': '${type}', 'loc': (${where}), 'msg': '${what}'}]`;
  return { status: 400, code: type, message };
}

/** A member that the server does not know: it takes no request with one. */
export function unknownMember(at: readonly string[]): Problem {
  return invalid("extra_forbidden", at, "Extra inputs are not permitted");
}

/** What goes wrong once the engine has the request: the server calls every such request bad. */
export function engineError(message: string): Problem {
  return { status: 400, code: "engine_error", message };
}

export const TRANSFER_FAILED = engineError("Error in kv cache transfer for generation requests");

export const SEND_FAILED = engineError("Error in kv cache transfer for context requests");
