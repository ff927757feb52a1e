import type { Tier } from "../fleet.ts";

/** Tiers outside of engines that keep KV cache for a session: its own object near the user, and R2. */
export type KvTier = Extract<Tier, "edge" | "object">;

/** The way between an engine and a tier; dollars per GB are those of leaving the engine's network. */
export type TierLink = {
  readonly gbps: number;
  readonly rttMs: number;
  readonly usdPerGB: number;
};

export type TierFacts = {
  /** Largest state that is kept there. */
  readonly maxBytes: number;
  /** Written and read back once, apart from what its size costs. */
  readonly usd: number;
  readonly usdPerMB: number;
  /** Between an engine's region and the tier, where nothing else is known; its round trip comes on top. */
  readonly link: TierLink;
};

/** One state is at most so many bytes in a session's rows, and all of a session's together. */
export const MAX_EDGE_BYTES = 8 * 1024 * 1024;

/** Limits are ours; prices are Cloudflare's of November 2026: a row is 1 MB, an R2 part 8 MB. */
export const kvTiers: Readonly<Record<KvTier, TierFacts>> = {
  // A call and a row for the snapshot; each MB is a row written and one deleted.
  edge: {
    maxBytes: MAX_EDGE_BYTES,
    usd: 1.5e-6,
    usdPerMB: 2e-6,
    link: { gbps: 1, rttMs: 5, usdPerGB: 0 },
  },
  // Listing, beginning and ending an upload, reading; each part is an operation.
  object: {
    maxBytes: 256 * 1024 * 1024,
    usd: 15e-6,
    usdPerMB: 0.6e-6,
    link: { gbps: 1, rttMs: 30, usdPerGB: 0 },
  },
};
