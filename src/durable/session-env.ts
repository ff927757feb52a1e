/** What a `Session` object may be told by its worker. */
export type SessionEnv = {
  /** Seconds without a turn after which a session is forgotten; a day when absent. */
  readonly SESSION_TTL_S?: string;
  /** Where the `object` tier is. */
  readonly KV_BLOBS?: Pick<R2Bucket, "delete">;
  /** Turns of a session that are listed; 10,000 when absent. Older ones are forgotten, their sums are not. */
  readonly SESSION_MAX_TURNS?: string;
};

/** Turns that a session lists. */
export function maxTurnsOf({ SESSION_MAX_TURNS }: SessionEnv): number {
  const turns = Math.floor(Number(SESSION_MAX_TURNS));
  return turns >= 1 ? turns : 10_000;
}

/** How long a session is kept after its last turn, ms. */
export function ttlMsOf(env: SessionEnv): number {
  const seconds = Number(env.SESSION_TTL_S);
  return (seconds > 0 ? seconds : 86_400) * 1000;
}
