import { apiError, openaiError, type ApiError, type ErrorCode } from "../apps/errors.ts";
import type { Renderer, TurnFailure } from "../turn/outcome.ts";

/** Tells of a failed turn as OpenAI's API would. What an engine said of itself stays inside; receipts have more. */
export function failureRenderer(requestId: string): Renderer {
  return {
    failure(failure) {
      const { retryAfterMs } = failure;
      const response = engineRefusal(failure) ?? openaiError(errorOf(failure), requestId);
      if (retryAfterMs !== undefined) {
        response.headers.set("retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
      }
      return response;
    },
    errorFrame(failure) {
      const { message, type, param, code } = errorOf(failure);
      const error = refusedWith(failure) ?? { message, type, param, code };
      return `data: ${JSON.stringify({ error })}\n\n`;
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

/** In place of messages that may hold an engine's own words; those of `overloaded` and `stalled` are always ours. */
const MESSAGES: Partial<Record<Kind, string>> = {
  caller: "The engine refused this request.",
  unreachable: "No engine could be reached.",
  status: "The engine failed before its answer was complete.",
  malformed: "The engine's answer could not be read.",
  aborted: "The request was ended by its caller.",
};

function errorOf({ kind, status, message, refusedBy }: TurnFailure): ApiError {
  if (refusedBy?.includes("context-window")) {
    return apiError("context_length_exceeded", message, "messages");
  }
  if (refusedBy !== undefined) {
    return apiError(
      "no_placement",
      message,
      refusedBy.includes("place") ? "phaseway-labels" : null,
    );
  }
  const limited = kind === "overloaded" && status === 429;
  const error = apiError(limited ? "rate_limit_exceeded" : CODES[kind], MESSAGES[kind] ?? message);
  return kind === "caller" && status !== undefined ? { ...error, status } : error;
}

/** An engine's own refusal goes back as it is, if it speaks JSON; the page of some proxy before it does not. */
function engineRefusal({ kind, body, contentType = "", status = 400 }: TurnFailure) {
  if (kind !== "caller" || body === undefined || !contentType.includes("json")) return undefined;
  return new Response(body, { status, headers: { "content-type": contentType } });
}

/** What an engine's refusal says, for a stream whose headers are out. */
function refusedWith({ kind, body }: TurnFailure): object | undefined {
  if (kind !== "caller" || body === undefined) return undefined;
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(body));
    const error: unknown = typeof said === "object" && said !== null && Reflect.get(said, "error");
    return typeof error === "object" && error !== null ? error : undefined;
  } catch {
    return undefined;
  }
}
