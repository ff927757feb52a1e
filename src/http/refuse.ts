import type { Context } from "hono";
import { apiError, type ErrorCode } from "../apps/errors.ts";
import type { HttpEnv } from "./env.ts";

/** The error as the caller's API shapes it. */
export function refuse(
  c: Context<HttpEnv>,
  code: ErrorCode,
  message: string,
  param: string | null = null,
): Response {
  return c.get("errors").respond(apiError(code, message, param), c.get("requestId"));
}
