import {
  apiError,
  type ApiError,
  COME_BACK,
  type ErrorCode,
  type ErrorShape,
} from "../apps/errors.ts";
import type { Renderer, TurnFailure } from "../turn/outcome.ts";
import { readRefusal } from "./engine-refusal.ts";

/**
 * Tells of a failed turn as the caller's API would; inside a stream, as a chat chunk. What an engine said of itself stays
 * inside; receipts have more.
 */
export function failureRenderer(
  requestId: string,
  errors: ErrorShape,
  promptParam = "messages",
): Renderer {
  return {
    failure(failure) {
      const asItIs = errors.isEngines ? engineRefusal(failure) : undefined;
      const response = asItIs ?? errors.respond(errorOf(failure, promptParam), requestId);
      const { retryAfterMs } = failure;
      if (retryAfterMs !== undefined || COME_BACK.has(response.status)) {
        const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000));
        response.headers.set("retry-after", String(seconds));
      }
      return response;
    },
    errorFrame(failure) {
      const { message, type, param, code } = errorOf(failure, promptParam);
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
  unreachable: "No engine could be reached.",
  status: "The engine failed before its answer was complete.",
  malformed: "The engine's answer could not be read.",
  aborted: "The request was ended by its caller.",
};

function errorOf(failure: TurnFailure, promptParam: string): ApiError {
  const { kind, status, message, refusedBy } = failure;
  if (refusedBy?.includes("context-window")) {
    return apiError("context_length_exceeded", message, promptParam);
  }
  if (refusedBy !== undefined) {
    return apiError(
      "no_placement",
      message,
      refusedBy.includes("place") ? "phaseway-labels" : null,
    );
  }
  const limited = kind === "overloaded" && status === 429;
  if (kind !== "caller") {
    return apiError(limited ? "rate_limit_exceeded" : CODES[kind], MESSAGES[kind] ?? message);
  }
  const code = readRefusal(failure).isTooLong ? "context_length_exceeded" : CODES.caller;
  const error = apiError(code, callersMistake(failure));
  return status === undefined ? error : { ...error, status };
}

/** An engine's own refusal goes back as it is, byte for byte, if it speaks as the caller's API does. */
function engineRefusal(failure: TurnFailure): Response | undefined {
  const { body, contentType = "", status = 400 } = failure;
  if (!contentType.includes("json") || refusedWith(failure) === undefined) return undefined;
  return new Response(body ?? null, { status, headers: { "content-type": contentType } });
}

/** The error in an engine's refusal, if it speaks as the caller's API does. */
function refusedWith(failure: TurnFailure): object | undefined {
  return isEngines(failure) ? readRefusal(failure).error : undefined;
}

/** True when it was an engine that refused the request, not the mesh. */
function isEngines({ kind, refusedBy }: TurnFailure): boolean {
  return kind === "caller" && refusedBy === undefined;
}

/** Our words for what an engine said in a shape of its own. */
function callersMistake(failure: TurnFailure): string {
  const { words } = readRefusal(failure);
  const { status } = failure;
  const refused = `The engine refused this request${status === undefined ? "" : ` with status ${status}`}`;
  return words === "" ? `${refused}.` : `${refused}: ${words}`;
}
