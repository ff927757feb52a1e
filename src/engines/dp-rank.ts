import { hash64, NO_HASH } from "../core/hash64.ts";
import type { LegContext, Split } from "./dialect.ts";

/** The data-parallel rank of a split's prefill engine: a session keeps its rank, as each rank has a cache of its own. */
export function dpRank({ session }: Pick<LegContext, "session">, { prefill, rendezvous }: Split) {
  const ranks = prefill.dpSize ?? 1;
  return (session === undefined ? Number(rendezvous) : hash64(session, NO_HASH).low) % ranks;
}
