import { z } from "zod";
import { topLevelMembers } from "../core/json-members.ts";
import { apiError, type ApiError } from "./errors.ts";

export type ParsedBody<T> =
  | { readonly ok: true; readonly body: T }
  | { readonly ok: false; readonly error: ApiError };

/** Reads a request's bytes by its API's schema; what is wrong is told of the first member that is. */
export function parseBody<T extends z.ZodType>(
  bytes: Uint8Array,
  schema: T,
): ParsedBody<z.infer<T>> {
  const json = parseJson(bytes);
  if (!json.ok) return { ok: false, error: apiError("invalid_json", json.message) };
  const parsed = schema.safeParse(json.value);
  if (!parsed.success) return { ok: false, error: explain(parsed.error) };
  return { ok: true, body: parsed.data };
}

function parseJson(bytes: Uint8Array) {
  if (bytes.byteLength === 0) return { ok: false, message: "The body is empty." } as const;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
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
  const param = issue?.path.join(".") ?? "";
  const where = param === "" ? "The body" : `\`${param}\``;
  return apiError(
    "invalid_request",
    `${where} is not as it should be: ${issue?.message ?? "unknown"}.`,
    param || null,
  );
}
