import { z } from "zod";

/** Every error a caller can meet: its status and its OpenAI type. */
const ERRORS = {
  invalid_json: { status: 400, type: "invalid_request_error" },
  invalid_request: { status: 400, type: "invalid_request_error" },
  unsupported_parameter: { status: 400, type: "invalid_request_error" },
  invalid_label: { status: 400, type: "invalid_request_error" },
  context_length_exceeded: { status: 400, type: "invalid_request_error" },
  thread_unsupported_request: { status: 400, type: "invalid_request_error" },
  previous_response_not_found: { status: 400, type: "invalid_request_error" },
  no_placement: { status: 400, type: "invalid_request_error" },
  invalid_api_key: { status: 401, type: "authentication_error" },
  model_not_found: { status: 404, type: "invalid_request_error" },
  not_found: { status: 404, type: "invalid_request_error" },
  method_not_allowed: { status: 405, type: "invalid_request_error" },
  idempotency_in_progress: { status: 409, type: "invalid_request_error" },
  body_too_large: { status: 413, type: "invalid_request_error" },
  idempotency_key_reused: { status: 422, type: "invalid_request_error" },
  idempotency_answer_too_large: { status: 422, type: "invalid_request_error" },
  rate_limit_exceeded: { status: 429, type: "rate_limit_error" },
  internal_error: { status: 500, type: "server_error" },
  not_configured: { status: 500, type: "server_error" },
  engine_failed: { status: 502, type: "server_error" },
  engine_unavailable: { status: 503, type: "server_error" },
  idempotency_unavailable: { status: 503, type: "server_error" },
  timeout: { status: 504, type: "server_error" },
} as const;

/** Statuses that ask to come back, so that they always say when. */
export const COME_BACK: ReadonlySet<number> = new Set([429, 503, 529]);

export type ErrorCode = keyof typeof ERRORS;

export type ApiError = {
  readonly code: ErrorCode;
  readonly status: number;
  readonly type: string;
  readonly message: string;
  readonly param: string | null;
};

export function apiError(code: ErrorCode, message: string, param: string | null = null): ApiError {
  return { code, ...ERRORS[code], message, param };
}

/** How an API tells of errors. */
export type ErrorShape = {
  respond(error: ApiError, requestId: string): Response;
  /** Engines shape their own errors so: they go back byte for byte. */
  readonly isEngines: boolean;
  /** The response header that names the request, beside `x-request-id`. */
  readonly requestIdHeader?: string;
};

/** As OpenAI's API has them. */
export const openaiErrors: ErrorShape = { respond: openaiError, isEngines: true };

/** The error as OpenAI's API shapes it. */
export function openaiError(error: ApiError, requestId: string): Response {
  const { message, type, param, code } = error;
  return Response.json(
    { error: { message, type, param, code } },
    { status: error.status, headers: { "x-request-id": requestId } },
  );
}

/** What an error chunk of a chat stream tells; an engine's own is the caller's mistake, as others are never passed on. */
export function errorOfChunk(data: string): ApiError {
  const parsed = chunk.safeParse(JSON.parse(data));
  if (!parsed.success) return apiError("engine_failed", "The engine's answer could not be read.");
  const { code, message, param } = parsed.data.error;
  return apiError(isErrorCode(code) ? code : "invalid_request", message, param ?? null);
}

const chunk = z.looseObject({
  error: z.looseObject({
    message: z.string(),
    code: z.unknown(),
    param: z.string().nullish().catch(null),
  }),
});

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERRORS, code);
}
