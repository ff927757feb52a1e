import type { z } from "zod";

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

/** JSON text checked against a schema; what is wrong is told by the path of the first fault. */
export function parseJson<T>(text: string, schema: z.ZodType<T>): Parsed<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, message: "not valid JSON" };
  }
  const result = schema.safeParse(json);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  const path = issue?.path.join(".") ?? "";
  return {
    ok: false,
    message: path === "" ? (issue?.message ?? "invalid") : `${path}: ${issue?.message}`,
  };
}
