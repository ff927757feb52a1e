import type { LegAhead } from "./service.ts";

/** How long each region's answers usually take, in real ms, and how long one is waited for. */
export class Patience {
  readonly #usual = new Map<string, { meanMs: number; deviationMs: number }>();

  /** Ms until a region is done without. */
  ms(region: string): number {
    const usual = this.#usual.get(region);
    if (usual === undefined) return UNKNOWN_MS;
    return Math.min(LONGEST_MS, usual.meanMs + DEVIATIONS * usual.deviationMs + SLACK_MS);
  }

  /** A call took this long, whether it was waited for or not, ms. */
  observe(region: string, tookMs: number): void {
    const usual = this.#usual.get(region);
    if (usual === undefined) {
      this.#usual.set(region, { meanMs: tookMs, deviationMs: tookMs / 2 });
      return;
    }
    const offMs = tookMs - usual.meanMs;
    usual.meanMs += WEIGHT * offMs;
    usual.deviationMs += WEIGHT * (Math.abs(offMs) - usual.deviationMs);
  }
}

/** What one kind of call is known by: a prompt that goes along takes the longer the larger it is. */
export function patienceKey(shard: string, ahead: LegAhead | undefined): string {
  if (ahead === undefined) return shard;
  return `${shard} ${Math.ceil(Math.log2(ahead.body.byteLength))}`;
}

/** A first call may have to make the object. */
const UNKNOWN_MS = 500;
const LONGEST_MS = 1000;
const SLACK_MS = 50;
const DEVIATIONS = 2;
const WEIGHT = 0.125;
