import { z } from "zod";

const keysSchema = z.array(
  z.object({ tenant: z.string().min(1), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
);

/** Tenants by the hex SHA-256 of their keys. */
export function parseKeys(json: string | undefined): ReadonlyMap<string, string> {
  if (json === undefined) return new Map();
  const parsed = keysSchema.safeParse(JSON.parse(json));
  if (!parsed.success) {
    throw new Error(
      `PHASEWAY_KEYS must be a JSON list of { "tenant", "sha256" }: ${z.prettifyError(parsed.error)}`,
    );
  }
  return new Map(parsed.data.map(({ tenant, sha256 }) => [sha256, tenant]));
}
