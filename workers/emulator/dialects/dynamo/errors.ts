import type { Problem } from "../../problem.ts";

/** A problem as Dynamo's frontend answers it. */
export function dynamoRefusal({ status, message }: Problem): Response {
  const type = REASONS[status] ?? "Internal Server Error";
  return Response.json({ message, type, code: status }, { status });
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  404: "Not Found",
  503: "Service Unavailable",
};

export function badRequest(message: string): Problem {
  return { status: 400, code: "bad_request", message };
}

/** A worker that a request is pinned to, and which is not there. */
export function noWorker(id: bigint): Problem {
  const missing = `instance_id=${id} not found for endpoint dynamo.backend.generate`;
  return { status: 500, code: "no_worker", message: `Failed to generate completions: ${missing}` };
}
