import { cacheTtlMs } from "../core/hosted/cached.ts";
import type { Fleet } from "../core/fleet.ts";
import type { SessionView, StoredHolding } from "../rpc/session-messages.ts";

type Held = Exclude<SessionView["branches"][number]["residency"][number], StoredHolding>;

/** What `GET /v1/sessions/{id}` says beside a session's own state: its sums, and which tiers hold how much of it. */
export function describeSession(view: SessionView, fleet: Fleet) {
  const { promptTokens, cachedTokens, usd, savedUsd } = view.stats;
  return {
    ...view,
    hitRate: promptTokens > 0 ? cachedTokens / promptTokens : null,
    usd: { spent: usd, saved: savedUsd },
    tiers: tiersOf(view, fleet),
  };
}

/** Until when is null where it is until others need the room, and nobody knows when that is. */
type Tier = { engines: number; tokens: number; until: number | null };

function tiersOf({ branches }: SessionView, fleet: Fleet): Readonly<Record<string, Tier>> {
  const tiers: Record<string, Tier> = {};
  const engines = new Map<string, Set<string>>();
  for (const held of branches.flatMap(({ residency }) => residency)) {
    const tier = (tiers[held.tier] ??= { engines: 0, tokens: 0, until: null });
    tier.tokens = Math.max(tier.tokens, held.tokens);
    // What is stored is with no engine, and as long there as the session.
    if (!("engine" in held)) continue;
    const known = engines.get(held.tier) ?? new Set();
    engines.set(held.tier, known.add(held.engine));
    tier.engines = known.size;
    const until = untilOf(held, fleet);
    if (until !== undefined) tier.until = Math.max(tier.until ?? 0, until);
  }
  return tiers;
}

/** A hosted API says how long it caches; an engine of ours only of what it kept for the next turn. */
function untilOf({ engine, at, until }: Held, { pools }: Fleet): number | undefined {
  const pool = pools.get(engine.slice(0, engine.lastIndexOf("/")));
  return until ?? (pool?.routed === "itself" ? at + cacheTtlMs(pool) : undefined);
}
