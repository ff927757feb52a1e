import type { z } from "zod";
import { topLevelMembers } from "../core/json-members.ts";
import { apiError, type ApiError } from "./errors.ts";

export type ParsedBody<T> =
  | { readonly ok: true; readonly body: T }
  | { readonly ok: false; readonly error: ApiError };

/**
 * Reads a request's bytes by its API's schema; what is wrong is told of the first member that is. Where the body is
 * written anew, `read` keeps what `JSON.parse` would round.
 */
export function parseBody<T extends z.ZodType>(
  bytes: Uint8Array,
  schema: T,
  read: (json: string) => unknown = JSON.parse,
): ParsedBody<z.infer<T>> {
  const json = parseJson(bytes, read);
  if (!json.ok) return { ok: false, error: apiError("invalid_json", json.message) };
  const parsed = schema.safeParse(json.value);
  if (!parsed.success) return { ok: false, error: explain(parsed.error) };
  return { ok: true, body: parsed.data };
}

function parseJson(bytes: Uint8Array, read: (json: string) => unknown) {
  if (bytes.byteLength === 0) return { ok: false, message: "The body is empty." } as const;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = read(text);
    // Legs will splice these bytes: what cannot be spliced is refused here.
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      topLevelMembers(bytes);
    return { ok: true, value } as const;
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : "it is not UTF-8";
    return { ok: false, message: `The body is not JSON: ${why}.` } as const;
  }
}

function explain(error: z.ZodError): ApiError {
  const issue = error.issues[0];
  const isUnknown = issue?.code === "unrecognized_keys";
  const path = [...(issue?.path ?? []), ...(isUnknown ? issue.keys.slice(0, 1) : [])];
  const param = path.join(".");
  const where = param === "" ? "The body" : `\`${param}\``;
  const what = isUnknown ? "it is not known here" : (issue?.message ?? "unknown");
  const message = `${where} is not as it should be: ${what}.`;
  return apiError("invalid_request", message, param || null);
}
