import { z } from "zod";

const keysSchema = z
  .array(z.object({ tenant: z.string().min(1), sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
  .min(1);

/** Tenants by the hex SHA-256 of their keys, or what is wrong with the list. */
export function parseKeys(
  json: string | undefined,
):
  | { readonly ok: true; readonly tenants: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly problem: string } {
  if (json === undefined) return { ok: false, problem: "is missing" };
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    return { ok: false, problem: "is not JSON" };
  }
  const parsed = keysSchema.safeParse(list);
  if (!parsed.success) {
    // Paths and kinds only: what was given is a secret.
    const wrong = parsed.error.issues.map(
      ({ path, code }) => `${path.join(".") || "list"} (${code})`,
    );
    return { ok: false, problem: `is malformed at ${wrong.join(", ")}` };
  }
  return {
    ok: true,
    tenants: new Map(parsed.data.map(({ tenant, sha256 }) => [sha256, tenant])),
  };
}
