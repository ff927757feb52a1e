import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { RegionEvent, RegionReserve, RegionRunning } from "../../src/rpc/region-messages.ts";
import { chainOf } from "./asks.ts";

/** A region that nobody has asked yet, and how to talk to it of one of its pools. */
export function fresh({ region, pool } = ONE_ENGINE) {
  regions += 1;
  const id = env.REGIONS.idFromName(`test-${regions}@1`);
  const object = () => env.REGIONS.get(id);
  let passedMs = 0;
  let asks = 0;
  const message = (wanted: Wanted = {}): RegionReserve => {
    asks += 1;
    const { promptTokens = LONG, priority = 1 } = wanted;
    return {
      v: 1,
      region,
      wanted: {
        ...(wanted.ticket !== undefined && { ticket: wanted.ticket }),
        requestId: `r${asks}`,
        leg: "both",
        pool,
        ask: {
          model: "llama-8b",
          promptTokens,
          expectedOutputTokens: 16,
          bodyBytes: promptTokens * 4,
          splittable: true,
          remainingTurns: 1,
          tokensPerTurn: 500,
        },
        chain: chainOf(wanted.chain ?? String.fromCharCode(96 + asks).repeat(2)),
        linkTokens: Uint32Array.of(promptTokens / 2, promptTokens),
        held: wanted.held ?? {},
        avoid: wanted.avoid ?? [],
        handedTokens: 0,
      },
      ...(wanted.heldAgesMs && { heldAgesMs: wanted.heldAgesMs }),
      standing: { tenant: "acme", priority, deadlineInMs: Infinity },
      snapshotAgeMs: wanted.snapshotAgeMs ?? Infinity,
      reports: { events: [], renewed: [], running: [] },
    };
  };
  const answered = async (wanted?: Wanted) => {
    const reply = await object().reserve(message(wanted));
    if (!reply.ok) throw new TypeError(reply.code);
    return reply;
  };
  const report = (events: readonly RegionEvent[], renewed: readonly string[] = []) =>
    object().report({ v: 1, region, reports: { events, renewed, running: [] } });
  return {
    object,
    async pass(ms: number) {
      passedMs += ms;
      await object().pass(ms);
    },
    /** Takes the object out of memory; the world's time goes on. */
    async evict() {
      await evictDurableObject(object());
      await object().pass(passedMs);
    },
    message,
    answered,
    reserve: (wanted?: Wanted) => object().reserve(message(wanted)),
    async granted(wanted?: Wanted) {
      const { answer } = await answered(wanted);
      if (answer.kind !== "granted") throw new TypeError(`not granted, but ${answer.kind}`);
      return answer.grant;
    },
    async queued(wanted?: Wanted) {
      const { answer } = await answered(wanted);
      if (answer.kind !== "queued") throw new TypeError(`not queued, but ${answer.kind}`);
      return answer.ticket;
    },
    claim: (ticket: string) => object().claim({ v: 1, region, pool, ticket }),
    report: (event: Omit<RegionEvent, "pool">) => report([{ ...event, pool }]),
    renew: (tickets: readonly string[]) => report([], tickets),
    tell: (running: readonly RegionRunning[]) =>
      object().report({ v: 1, region, reports: { events: [], renewed: [], running } }),
  };
}

/** A pool of one engine. */
export const ONE_ENGINE = { region: "iad", pool: "far-iad" };
export const TWO_ENGINES = { region: "ams", pool: "near-ams" };

export type Wanted = {
  readonly ticket?: string;
  readonly chain?: string;
  readonly heldAgesMs?: Readonly<Record<string, number>>;
  readonly promptTokens?: number;
  readonly priority?: number;
  readonly snapshotAgeMs?: number;
  readonly held?: Readonly<Record<string, number>>;
  readonly avoid?: readonly string[];
};

/** About 2 s of prefill. */
export const LONG = 100_000;

let regions = 0;
