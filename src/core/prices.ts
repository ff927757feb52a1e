import type { Pool } from "./fleet.ts";

/** Share of the hourly price that an idle owned engine is charged at: it is paid for whether used or not. */
const IDLE_SHARE = 0.2;
/** A backlog this long counts as full use, ms. */
const FULL_QUEUE_MS = 1000;

/** Marginal share of an owned engine's hourly price, 0.2 when idle and rising to 1 when full. */
export function marginalShare(batch: number, maxBatch: number, queueMs: number): number {
  const use = Math.min(1, Math.max(batch / maxBatch, queueMs / FULL_QUEUE_MS));
  return IDLE_SHARE + (1 - IDLE_SHARE) * use * use;
}

/** Dollars a hosted pool bills for a request, `cached` of its `prompt` tokens at the cached price. */
export function billedUsd(
  perMTok: NonNullable<Pool["perMTok"]>,
  prompt: number,
  cached: number,
  output: number,
): number {
  const hit = Math.min(cached, prompt);
  return ((prompt - hit) * perMTok.in + hit * perMTok.cached + output * perMTok.out) / 1e6;
}
