import type { ApiError, ErrorCode, ErrorShape } from "../errors.ts";

/** Errors as Anthropic's API has them; the stable code of ours is in `details`, where its SDKs look for one. */
export const anthropicErrors: ErrorShape = {
  respond: (error, requestId) =>
    Response.json(errorBody(error, requestId), {
      status: error.status === 503 ? OVERLOADED : error.status,
      headers: { "x-request-id": requestId, "request-id": requestId },
    }),
  isEngines: false,
  requestIdHeader: "request-id",
};

/** What such an error says, in a response or in a stream. */
export function errorBody(error: ApiError, requestId: string): object {
  const { code, message, param } = error;
  const details = {
    error_code: code,
    ...(param !== null && { param }),
    // On reading this, the SDKs send the whole conversation instead.
    ...(code === "thread_unsupported_request" && { unsupported: [param] }),
  };
  const said = code === "context_length_exceeded" ? `prompt is too long: ${message}` : message;
  const told = { type: typeOf(error), message: said, details };
  return { type: "error", error: told, request_id: requestId };
}

/** What that API says where others say 503. */
const OVERLOADED = 529;

function typeOf({ code, status }: ApiError): string {
  return status === 413 ? TYPES.body_too_large : TYPES[code];
}

const TYPES = {
  invalid_json: "invalid_request_error",
  invalid_request: "invalid_request_error",
  unsupported_parameter: "invalid_request_error",
  invalid_label: "invalid_request_error",
  context_length_exceeded: "invalid_request_error",
  thread_unsupported_request: "invalid_request_error",
  previous_response_not_found: "invalid_request_error",
  no_placement: "invalid_request_error",
  invalid_api_key: "authentication_error",
  model_not_found: "not_found_error",
  not_found: "not_found_error",
  method_not_allowed: "invalid_request_error",
  idempotency_in_progress: "invalid_request_error",
  body_too_large: "request_too_large",
  idempotency_key_reused: "invalid_request_error",
  idempotency_answer_too_large: "invalid_request_error",
  rate_limit_exceeded: "rate_limit_error",
  internal_error: "api_error",
  not_configured: "api_error",
  engine_failed: "api_error",
  engine_unavailable: "overloaded_error",
  idempotency_unavailable: "overloaded_error",
  timeout: "timeout_error",
} as const satisfies Record<ErrorCode, string>;
