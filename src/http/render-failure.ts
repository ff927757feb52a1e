import { apiError, openaiError, type ApiError, type ErrorCode } from "../apps/errors.ts";
import type { Renderer, TurnFailure } from "../turn/outcome.ts";

/** Tells of a failed turn as OpenAI's API would. What an engine said of itself stays inside; receipts have more. */
export function failureRenderer(requestId: string): Renderer {
  return {
    failure(failure) {
      const response =
        failure.kind === "caller" ? callerFailure(failure, requestId) : ours(failure, requestId);
      if (failure.retryAfterMs !== undefined) {
        const seconds = Math.max(1, Math.ceil(failure.retryAfterMs / 1000));
        response.headers.set("retry-after", String(seconds));
      }
      return response;
    },
    errorFrame({ kind }) {
      const { code, type, message } = apiError(CODES[kind], BROKE_OFF[kind] ?? MESSAGES[kind]);
      return `data: ${JSON.stringify({ error: { message, type, param: null, code } })}\n\n`;
    },
  };
}

type Kind = TurnFailure["kind"];

const CODES: Readonly<Record<Kind, ErrorCode>> = {
  caller: "invalid_request",
  unreachable: "engine_unavailable",
  status: "engine_failed",
  overloaded: "engine_unavailable",
  stalled: "timeout",
  malformed: "engine_failed",
  aborted: "engine_failed",
};

const MESSAGES: Readonly<Record<Kind, string>> = {
  caller: "The engine refused this request.",
  unreachable: "No engine could be reached.",
  status: "The engine failed.",
  overloaded: "No engine can take this request now.",
  stalled: "No engine answered in time.",
  malformed: "The engine's answer could not be read.",
  aborted: "The request was ended by its caller.",
};

/** Where a stream has already begun. */
const BROKE_OFF: Partial<Record<Kind, string>> = {
  status: "The engine failed before its answer was complete.",
};

function ours(failure: TurnFailure, requestId: string): Response {
  const { kind, status, message } = failure;
  // These messages are our own words.
  const told = kind === "overloaded" || kind === "stalled" ? message : MESSAGES[kind];
  const code = kind === "overloaded" && status === 429 ? "rate_limit_exceeded" : CODES[kind];
  return openaiError(apiError(code, told), requestId);
}

/** An engine's own refusal goes back as it is, if it speaks JSON; a page of some proxy before it does not. */
function callerFailure(failure: TurnFailure, requestId: string): Response {
  const { refusedBy, body, contentType = "", status = 400, message } = failure;
  if (refusedBy !== undefined) return openaiError(refused(refusedBy, message), requestId);
  if (body !== undefined && contentType.includes("json")) {
    return new Response(body, { status, headers: { "content-type": contentType } });
  }
  return openaiError({ ...apiError("invalid_request", MESSAGES.caller), status }, requestId);
}

function refused(by: readonly string[], message: string): ApiError {
  if (by.includes("context-window")) {
    return apiError("context_length_exceeded", message, "messages");
  }
  return apiError("no_placement", message, by.includes("place") ? "phaseway-labels" : null);
}
