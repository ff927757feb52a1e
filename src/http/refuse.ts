import type { Context } from "hono";
import { apiError, COME_BACK, type ErrorCode } from "../apps/errors.ts";
import type { HttpEnv } from "./env.ts";

/** The error as the caller's API shapes it; one that asks to come back says when. */
export function refuse(
  c: Context<HttpEnv>,
  code: ErrorCode,
  message: string,
  param: string | null = null,
): Response {
  const response = c.get("errors").respond(apiError(code, message, param), c.get("requestId"));
  if (COME_BACK.has(response.status)) response.headers.set("retry-after", SOON_S);
  return response;
}

/** An object that does not answer has been moved, or restarts: seconds. */
const SOON_S = "1";
