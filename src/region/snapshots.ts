import { faded } from "../core/grant/prompt-share.ts";
import type { EngineView } from "../core/plan/placement.ts";
import type { RegionSnapshot, SeenEngine } from "../rpc/region-messages.ts";

/** The last snapshot of each region that this isolate was given. Times in epoch ms of the caller. */
export class Snapshots {
  readonly #kept = new Map<string, { at: number; engines: Map<string, SeenEngine> }>();

  /** `atMs` is when it was taken; an older one than is known is none. */
  keep(region: string, { engines }: RegionSnapshot, atMs: number): void {
    if ((this.#kept.get(region)?.at ?? -Infinity) > atMs) return;
    const byId = new Map(engines.map((seen) => [seen.engine, seen]));
    this.#kept.set(region, { at: atMs, engines: byId });
  }

  /** Ms; Infinity where none was given. */
  ageMs(region: string, nowMs: number): number {
    return nowMs - (this.#kept.get(region)?.at ?? -Infinity);
  }

  /**
   * What this isolate knows of some engines by itself, with what their region last told: the larger load of the two,
   * as either may lack what came since. Old snapshots tell nothing.
   */
  over(region: string, own: readonly EngineView[], nowMs: number): readonly EngineView[] {
    const kept = this.#kept.get(region);
    if (kept === undefined || nowMs - kept.at > LIFE_MS) return own;
    return own.map((view) => {
      const seen = kept.engines.get(view.engine);
      return seen === undefined ? view : merged(view, seen, nowMs - kept.at);
    });
  }
}

/** A region that was told unwell must be asked again some time. */
const LIFE_MS = 10_000;

function merged(own: EngineView, seen: SeenEngine, ageMs: number): EngineView {
  return {
    ...own,
    queueMs: Math.max(own.queueMs, seen.queueMs - ageMs),
    batch: Math.max(own.batch, seen.batch),
    batchTokens: Math.max(own.batchTokens, seen.batchTokens),
    kvFreeTokens: Math.min(own.kvFreeTokens, seen.kvFreeTokens),
    prefillFactor: seen.prefillFactor,
    decodeFactor: seen.decodeFactor,
    heldTokens: Math.floor(own.heldTokens * (seen.heldTrust ?? 1)),
    healthy: seen.healthy,
    ...(seen.opensInMs !== undefined && { opensInMs: Math.max(0, seen.opensInMs - ageMs) }),
    ...(seen.rests !== undefined && { rests: seen.rests }),
    ...(seen.overworkMs !== undefined && { overworkMs: seen.overworkMs }),
    ...(seen.promptShare !== undefined && {
      promptShare: Math.max(own.promptShare ?? 0, faded(seen.promptShare, ageMs)),
    }),
  };
}
