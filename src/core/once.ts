/** What an idempotency key stands for: one request of a tenant, and its answer once there is one. */
export type Once = {
  readonly version: 1;
  /** Tells the request from every other. */
  readonly fingerprint: string;
  /** Names the run that may answer. */
  readonly run: string;
  /** A run that has not been heard of by then is lost, epoch ms. */
  readonly runsUntil: number;
  readonly answer?: OnceAnswer;
};

export type OnceAnswer =
  | {
      readonly kind: "kept";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly parts: number;
    }
  | { readonly kind: "too-large" };

/** What whoever sends a request under a key is to do; `run` comes with the key's state from then on. */
export type Claimed =
  | { readonly kind: "run"; readonly once: Once }
  | { readonly kind: "running" }
  | { readonly kind: "other-request" }
  | { readonly kind: "answered"; readonly answer: OnceAnswer };

/** Silence after which a run counts as lost, ms. */
export const RUN_LEASE_MS = 45_000;

/** Who runs a request: the first, whoever has already been told to, and the next once a run is lost. */
export function claimOnce(
  once: Once | undefined,
  {
    fingerprint,
    run,
    now,
  }: { readonly fingerprint: string; readonly run: string; readonly now: number },
): Claimed {
  if (once !== undefined && once.fingerprint !== fingerprint) return { kind: "other-request" };
  if (once?.answer !== undefined) return { kind: "answered", answer: once.answer };
  if (once !== undefined && once.run !== run && now < once.runsUntil) return { kind: "running" };
  return {
    kind: "run",
    once: { version: 1, fingerprint, run, runsUntil: now + RUN_LEASE_MS },
  };
}
