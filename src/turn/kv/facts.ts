import type { ExportFacts, TierOffer } from "../../core/kv-export/decide-export.ts";
import { type KvTier, kvTiers, type TierLink } from "../../core/kv-export/tiers.ts";
import type { TurnDeps } from "../deps.ts";
import type { Prepared } from "../prepare.ts";

/** What is asked of a state: its tokens and its bytes. */
export type KvSize = { readonly tokens: number; readonly bytes: number };

/** The facts by which an export from a pool is decided; undefined where nothing of that kind can be. */
export function exportFacts(
  deps: TurnDeps,
  turn: Prepared,
  poolId: string,
  { tokens, bytes }: KvSize,
): ExportFacts | undefined {
  const { fleet, kv } = deps;
  const pool = fleet.pools.get(poolId);
  const prefillMs = prefillOf(deps, turn, poolId);
  const speed = deps.speeds.get(poolId);
  if (!kv || !pool || !prefillMs || !speed) return undefined;
  const stats = turn.session.opened?.stats;
  const valueUsdPerS = fleet.prices.valueOfTimeUsdPerS[turn.labels.urgency];
  const offer = (tier: KvTier): TierOffer => ({ tier, link: tierLink(deps, pool.region, tier) });
  return {
    tokens,
    bytes,
    recomputeMs: prefillMs(tokens, 0),
    rhythm: {
      turns: (stats?.turns ?? 0) + 1,
      ...(stats !== undefined && stats.gapMs > 0 && { gapMs: stats.gapMs }),
    },
    keptMs: kv.tiers.keptMs,
    tiers: kv.tiers.offered.map(offer),
    usdPerMs: valueUsdPerS / 1000 + speed.usdPerMs,
    ...(pool.kvExport !== undefined && { mode: pool.kvExport }),
  };
}

/** Prefill as a pool's engines were measured, ms; the slowest of them speaks where no engine is named. */
export function prefillOf(
  { speeds, views, now }: TurnDeps,
  { chain, linkTokens, held }: Prepared,
  pool: string,
  engine?: string,
): ((tokens: number, cached: number) => number) | undefined {
  const speed = speeds.get(pool);
  if (speed === undefined) return undefined;
  const seen = views({ pool, chain: chain.bytes, linkTokens, held, now: now() });
  const own = seen.filter((view) => engine === undefined || view.engine === engine);
  const factor = own.length > 0 ? Math.max(...own.map((view) => view.prefillFactor)) : 1;
  return (tokens, cached) => speed.prefillMs(tokens, cached) * factor;
}

/** The way between a region's engines and a tier: as usual, and as far as the region is from here. */
export function tierLink({ rtt }: TurnDeps, region: string, tier: KvTier): TierLink {
  const { link } = kvTiers[tier];
  return { ...link, rttMs: link.rttMs + rtt.ms(region) };
}
