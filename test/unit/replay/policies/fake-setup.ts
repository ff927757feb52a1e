import type { Fleet } from "../../../../src/core/fleet.ts";
import { seededRandom } from "../../../../src/core/random.ts";
import { lruModel } from "../../../../src/replay/lru-model.ts";
import type {
  EngineGauges,
  PolicySetup,
  Refuse,
  ReplayRequest,
  Report,
  Route,
  Send,
} from "../../../../src/replay/policy.ts";

/** What a test says of one engine; the rest is idle and ordinary. */
export type FakeEngine = Partial<EngineGauges> & {
  /** Tokens of any prompt that it holds. */
  readonly holds?: number;
  readonly rttMs?: number;
};

/** A fleet that stands still, a clock moved by hand, and what the policy sent later on. */
export type FakeSetup = PolicySetup & {
  readonly sent: { readonly request: ReplayRequest; readonly route: Send | Refuse }[];
  /** Changes what an engine's gauges say. */
  gauge(engine: number, change: FakeEngine): void;
  /** Lets time pass; timers ring. */
  wait(ms: number): void;
};

export function fakeSetup(
  given: readonly FakeEngine[],
  options: { seed?: number; ageMs?: number; blockTokens?: number; pullMsPerToken?: number } = {},
): FakeSetup {
  const { ageMs = 0, blockTokens = 16, pullMsPerToken = Infinity } = options;
  const engines = given.map(engineOf);
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  const sent: FakeSetup["sent"] = [];
  return {
    sent,
    fleet: {
      engines,
      ageMs,
      matchTokens: (engine, { promptTokens }) =>
        Math.min(engines[engine]?.holds ?? 0, promptTokens - 1),
      rttMs: (engine) => engines[engine]?.rttMs ?? 0,
      pullMs: (_from, _to, tokens) => tokens * pullMsPerToken,
    },
    // Baselines read gauges, not the mesh.
    mesh: {} as Fleet,
    speeds: new Map(),
    random: seededRandom(options.seed ?? 1),
    now: () => now,
    dispatch: (request, route) => void sent.push({ request, route }),
    after: (delayMs, run) => void timers.push({ at: now + delayMs, run }),
    prefixModel: (tokens) =>
      lruModel(
        engines.map(({ kvTokens }) => kvTokens),
        blockTokens,
        tokens,
      ),
    blockTokens,
    gauge: (engine, change) => void Object.assign(engines[engine] ?? {}, change),
    wait(ms) {
      const until = now + ms;
      for (;;) {
        const next = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        now = next.at;
        next.run();
      }
      now = until;
    },
  };
}

/** One millisecond of prefill per uncached token. */
function engineOf(given: FakeEngine, engine: number): EngineGauges & FakeEngine {
  return {
    engine,
    id: `pool/${engine}`,
    pool: "pool",
    region: "here",
    model: "m",
    roles: ["prefill", "decode"],
    speed: {
      prefillMs: (tokens, cached) => tokens - cached,
      stepMs: () => 10,
      kvTokens: 100_000,
      watts: 0,
      usdPerMs: 0,
    },
    kvTokens: 100_000,
    maxBatch: 256,
    chunkTokens: 1000,
    up: true,
    queuedTokens: 0,
    queuedMs: 0,
    waiting: 0,
    running: 0,
    decoding: 0,
    decodingTokens: 0,
    kvUsedTokens: 0,
    ...given,
  };
}

let index = 0;

/** A request of 1,000 tokens unless told; `prefix` names what its blocks are. */
export function fakeRequest(
  over: Partial<ReplayRequest> & { readonly prefix?: readonly number[] } = {},
): ReplayRequest {
  const { prefix = [], ...rest } = over;
  index += 1;
  return {
    index,
    atMs: 0,
    edge: 0,
    region: "here",
    model: "m",
    promptTokens: 1000,
    expectedOutputTokens: 100,
    blocks: Int32Array.from(prefix),
    session: -1,
    turn: 0,
    tenant: 0,
    priority: 0,
    ...rest,
  };
}

/** Engine of a route that sends; -1 for any other. */
export function engineOfRoute(route: Route): number {
  return route.kind === "send" ? route.engine : -1;
}

/** How often each engine of a list was chosen. */
export function counted(chosen: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const engine of chosen) counts[engine] = (counts[engine] ?? 0) + 1;
  return counts;
}

/** A report that says nothing but that something happened. */
export const REPORT: Report = {
  engine: 0,
  prefill: 0,
  cachedTokens: 0,
  pulledTokens: 0,
  computedTokens: 0,
  outputTokens: 1,
  atMs: 0,
  firstTokenAtMs: 0,
  failed: false,
};
