import type { Pool } from "../fleet.ts";

/** One limit of a hosted API as an answer of it told. What it did not tell is absent: unknown, never 0. */
export type ToldLimit = {
  readonly limit?: number | undefined;
  readonly remaining?: number | undefined;
  /** Until all of it is there again, ms. */
  readonly resetMs?: number | undefined;
};

/** The limits of a hosted API, by what they count; `tokens` are input and output together. */
export type ToldLimits = {
  readonly requests: ToldLimit;
  readonly tokens: ToldLimit;
  readonly inputTokens: ToldLimit;
  readonly outputTokens: ToldLimit;
};

/** What one request takes of the limits. Its output is expected until it is known. */
export type Taken = { readonly at: number; readonly inputTokens: number; outputTokens: number };

/** What is known of the limits of one endpoint. Mutable; times in epoch ms. */
export type LimitState = {
  /** Requests of the last minute from here, oldest first. */
  readonly taken: Taken[];
  /** What the request that was sent last told, and when it was sent and answered. */
  told:
    | { readonly limits: ToldLimits; readonly sentAt: number; readonly heardAt: number }
    | undefined;
};

/** A request before it was sent. */
export type Need = Omit<Taken, "at">;

const MINUTE_MS = 60_000;
/** What was told is believed for so long at most: a wrong figure must not close an endpoint for good. */
const LONGEST_TOLD_MS = 3_600_000;

export function unknownLimits(): LimitState {
  return { taken: [], told: undefined };
}

/** Until a request fits what is configured and what the API told, ms; 0 when it may go. */
export function fullForMs(
  state: LimitState,
  configured: Pool["limits"],
  need: Need,
  nowMs: number,
): number {
  forgetOld(state.taken, nowMs);
  let waitMs = 0;
  for (const [name, count] of COUNTED) {
    const perMinute = configured?.[PER_MINUTE[name]];
    if (perMinute !== undefined) {
      waitMs = Math.max(waitMs, minuteMs(state.taken, count, perMinute, count(need), nowMs));
    }
  }
  for (const [name, count] of [...COUNTED, ...COUNTED_APART]) {
    waitMs = Math.max(waitMs, toldMs(state, name, count, count(need), nowMs));
  }
  return waitMs;
}

/** Counts a request that is about to be sent; its output may be corrected in what is returned. */
export function take(state: LimitState, need: Need, nowMs: number): Taken {
  const taken = { at: nowMs, inputTokens: need.inputTokens, outputTokens: need.outputTokens };
  state.taken.push(taken);
  return taken;
}

/** A request that was counted was not sent after all. */
export function giveBack(state: LimitState, taken: Taken): void {
  const at = state.taken.indexOf(taken);
  if (at >= 0) state.taken.splice(at, 1);
}

/** An answer told the limits; what a request that was sent earlier told is older news. */
export function hear(state: LimitState, limits: ToldLimits, sentAt: number, nowMs: number): void {
  if (state.told !== undefined && state.told.sentAt > sentAt) return;
  state.told = { limits, sentAt, heardAt: nowMs };
}

type Count = (one: Need) => number;

const COUNTED: readonly (readonly ["requests" | "tokens", Count])[] = [
  ["requests", () => 1],
  ["tokens", ({ inputTokens, outputTokens }) => inputTokens + outputTokens],
];
const COUNTED_APART: readonly (readonly ["inputTokens" | "outputTokens", Count])[] = [
  ["inputTokens", ({ inputTokens }) => inputTokens],
  ["outputTokens", ({ outputTokens }) => outputTokens],
];
const PER_MINUTE = { requests: "rpm", tokens: "tpm" } as const;

/** A sliding minute. A request larger than the whole limit may go when nothing else has. */
function minuteMs(
  taken: readonly Taken[],
  count: Count,
  limit: number,
  need: number,
  nowMs: number,
): number {
  let over = Math.min(need, limit) - limit;
  for (const one of taken) over += count(one);
  for (const one of taken) {
    if (over <= 0) break;
    over -= count(one);
    if (over <= 0) return Math.max(0, one.at + MINUTE_MS - nowMs);
  }
  return 0;
}

/** A bucket that fills evenly until its reset; without a known size it comes back all at once, then. */
function toldMs(
  { told, taken }: LimitState,
  name: keyof ToldLimits,
  count: Count,
  need: number,
  nowMs: number,
): number {
  if (told === undefined) return 0;
  const { limit = Infinity, remaining, resetMs = MINUTE_MS } = told.limits[name];
  const ageMs = nowMs - told.heardAt;
  const believedMs = Math.min(resetMs, LONGEST_TOLD_MS);
  if (remaining === undefined || ageMs >= believedMs) return 0;
  const perMs = Number.isFinite(limit) ? Math.max(0, limit - remaining) / resetMs : 0;
  let there = remaining + perMs * ageMs;
  for (const one of taken) if (one.at > told.sentAt) there -= count(one);
  const short = Math.min(need, limit) - there;
  if (short <= 0) return 0;
  return Math.min(perMs > 0 ? short / perMs : Infinity, believedMs - ageMs);
}

function forgetOld(taken: Taken[], nowMs: number): void {
  while (taken[0] !== undefined && taken[0].at <= nowMs - MINUTE_MS) taken.shift();
}
