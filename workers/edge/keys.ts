import { z } from "zod";

const key = z.object({
  tenant: z.string().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The tenant lets answers to its embeddings be kept in memory, and given again to whoever has this key. */
  cachesEmbeddings: z.boolean().default(false),
});

const keysSchema = z.array(key).min(1);

/** Who may call, as `PHASEWAY_KEYS` says it of one key. */
export type Caller = Pick<z.infer<typeof key>, "tenant" | "cachesEmbeddings">;

/** Callers by the hex SHA-256 of their keys, or what is wrong with the list. */
export function parseKeys(
  json: string | undefined,
):
  | { readonly ok: true; readonly callers: ReadonlyMap<string, Caller> }
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
    callers: new Map(parsed.data.map(({ sha256, ...caller }) => [sha256, caller])),
  };
}
