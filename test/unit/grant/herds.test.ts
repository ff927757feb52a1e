import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { AWAY, calibratedFleet } from "../../../src/replay/calibrated-fleet.ts";
import { calibration } from "../../../src/replay/calibrations.ts";
import type { FleetSetup } from "../../../src/replay/fleet-setup.ts";
import { FINISHED } from "../../../src/replay/outcomes.ts";
import { packArrivals } from "../../../src/replay/pack.ts";
import { phaseway } from "../../../src/replay/phaseway/phaseway.ts";
import type { PolicyEntry } from "../../../src/replay/policy.ts";
import { Simulation } from "../../../src/replay/simulation.ts";
import type { Workload } from "../../../src/replay/workload.ts";

const ENGINES = 16;
const BLOCK = 512;
const BURST = 10;
const SPAN_MS = 120_000;
const WARM_MS = 30_000;
/** Nothing is computed in so short a time: an engine that restarts this often is down. */
const DOWN_EVERY_MS = 20;
const NEWCOMER = 3;
const LATEST_REPORT_MS = 300;

const roofline = () => calibratedFleet(calibration("roofline"), ENGINES, 60);
const FLEETS = [
  { name: "a pool of 16 engines", fleet: roofline(), everyMs: 1000 },
  { name: "two pools of 8 engines", fleet: inTwoPools(roofline()), everyMs: 1180 },
  {
    name: "a pool of 16 engines that compute one prompt after another",
    fleet: calibratedFleet(calibration("mooncake-a800"), ENGINES, 60),
    everyMs: 2150,
  },
];

describe.each(FLEETS)(
  "50 edges with a view that is a second old, and $name",
  ({ fleet, everyMs }) => {
    it("spread ten conversations that come at once, again and again", async () => {
      const load = watch(fleet, await bursts(everyMs), [WARM_MS, SPAN_MS]);
      expectEven(load);
    });

    it("neither flood nor avoid an engine that was never there before", async () => {
      const down: Stretch = [0, 20_000];
      // Tried in vain after 5 and 15 s, and well since about 35.
      const load = watch(fleet, await bursts(everyMs), [36_000, 56_000], down);
      expectEven(load);
      expect(share(load.given, NEWCOMER)).toBeGreaterThan(0.6);
    });

    it("neither flood nor avoid an engine that is back after ten seconds", async () => {
      const down: Stretch = [WARM_MS, WARM_MS + 10_000];
      const load = watch(fleet, await bursts(everyMs), [47_000, 67_000], down);
      expectEven(load);
      expect(share(load.given, NEWCOMER)).toBeGreaterThan(0.6);
    });

    it("do not follow a preamble of 8,000 tokens that everybody shares", async () => {
      const workload = await bursts(everyMs, 16);
      const load = watch(fleet, workload, [WARM_MS, SPAN_MS]);
      expectEven(load);
    });
  },
);

function expectEven({ busy, given, queued, deepestMs, longestMs }: Load): void {
  expect(mean(busy), "busy share").toBeGreaterThan(0.7);
  expect(Math.max(...busy) / mean(busy), "busiest over mean").toBeLessThan(1.3);
  // Busy time ends where all are always busy; what an engine was given does not.
  expect(Math.max(...given) / mean(given), "most work over mean").toBeLessThan(1.3);
  // Of less than this nobody could have known.
  const most = Math.max(2 * mean(queued), LATEST_REPORT_MS);
  expect(Math.max(...queued), "longest queue, ms").toBeLessThanOrEqual(most);
  // Policies that look at a stale view or at none have 20 s and more here.
  expect(deepestMs, "longest queue at any time, ms").toBeLessThan(2 * longestMs);
}

/** What became of each engine during a stretch. */
type Load = {
  readonly busy: readonly number[];
  /** Prefill of the requests that it computed, ms. */
  readonly given: readonly number[];
  /** Prefill in its queue on average when requests arrived, ms. */
  readonly queued: readonly number[];
  /** The most that any of them had in its queue, and what the longest prompt takes, ms. */
  readonly deepestMs: number;
  readonly longestMs: number;
};

type Stretch = readonly [fromMs: number, toMs: number];

function watch(fleet: FleetSetup, workload: Workload, [from, to]: Stretch, down?: Stretch): Load {
  const busyMs = fleet.engines.map(() => 0);
  const queued = fleet.engines.map(() => 0);
  const restarts: { readonly engine: number; readonly atMs: number }[] = [];
  for (let atMs = down?.[0] ?? 0; atMs < (down?.[1] ?? 0); atMs += DOWN_EVERY_MS) {
    restarts.push({ engine: NEWCOMER, atMs });
  }
  let arrived = 0;
  let deepestMs = 0;
  const entry = watched(phaseway(), (atMs) => {
    if (atMs < from || atMs >= to) return;
    arrived++;
    for (const [n, engine] of simulation.fleet.engines.entries()) {
      queued[n] = (queued[n] ?? 0) + engine.queued.ms;
      deepestMs = Math.max(deepestMs, engine.queued.ms);
    }
  });
  const simulation = new Simulation(workload, fleet, entry, {
    seed: 1,
    edges: 50,
    edgeRegions: [AWAY],
    staleMs: 1000,
    reportMs: [50, LATEST_REPORT_MS],
    costError: 0.2,
    restarts,
  });
  simulation.fleet.onBusy = (engine, startedAt, endedAt) => {
    const ms = Math.min(endedAt, to) - Math.max(startedAt, from);
    busyMs[engine] = (busyMs[engine] ?? 0) + Math.max(0, ms);
  };
  simulation.run();
  const lost = simulation.outcomes.status.filter((status) => status !== FINISHED).length;
  expect(lost, "requests lost").toBeLessThanOrEqual(down ? 5 : 0);
  return {
    busy: busyMs.map((ms) => ms / (to - from)),
    given: givenTo(simulation, [from, to]),
    queued: queued.map((ms) => ms / arrived),
    deepestMs,
    longestMs: fleet.engines[0]?.speed.prefillMs(Math.max(...workload.promptTokens), 0) ?? 0,
  };
}

/** Prefill of the requests sent during a stretch, by the engine that computed it, ms. */
function givenTo({ setup, workload, outcomes }: Simulation, [from, to]: Stretch): number[] {
  const given = setup.engines.map(() => 0);
  for (const [request, sentAt] of outcomes.sentAt.entries()) {
    const engine = outcomes.prefill[request] ?? -1;
    if (engine < 0 || sentAt < from || sentAt >= to) continue;
    const covered = (outcomes.cachedTokens[request] ?? 0) + (outcomes.pulledTokens[request] ?? 0);
    const ms = setup.engines[engine]?.speed.prefillMs(workload.promptTokens[request] ?? 0, covered);
    given[engine] = (given[engine] ?? 0) + (ms ?? 0);
  }
  return given;
}

/** The same policy; `look` is called at every arrival. */
function watched(entry: PolicyEntry, look: (atMs: number) => void): PolicyEntry {
  return {
    ...entry,
    create(setup) {
      const policy = entry.create(setup);
      const route = policy.route.bind(policy);
      policy.route = (request) => {
        look(request.atMs);
        return route(request);
      };
      return policy;
    },
  };
}

/** Ten conversations of three turns every `everyMs`, of 5,000 to 15,000 tokens behind a preamble of so many blocks. */
function bursts(everyMs: number, preamble = 0): Promise<Workload> {
  const random = seededRandom(5);
  let named = 0;
  const blocks = (count: number) => Array.from({ length: count }, () => ++named);
  const shared = blocks(preamble);
  const conversation = (session: string, atMs: number) => {
    const own = [...shared, ...blocks(10 + Math.floor(random() * 20))];
    const [request, ...later] = [0, 1, 2].map((turn) => {
      own.push(...blocks(turn * 2));
      return {
        session,
        turn,
        offsetMs: 0,
        thinkMs: turn === 0 ? 0 : 3000,
        promptTokens: own.length * BLOCK + 20,
        outputTokens: 4,
        blocks: own.slice(),
        blockTokens: BLOCK,
      };
    });
    if (request === undefined) throw new TypeError("a conversation has turns");
    return { atMs, request, later };
  };
  const arrivals = Array.from({ length: Math.floor(SPAN_MS / everyMs) * BURST }, (_, n) =>
    conversation(`s${n}`, Math.floor(n / BURST) * everyMs),
  );
  return packArrivals("bursts", arrivals, BLOCK);
}

/** The same engines as two pools that cannot pull from each other, between which edges have to choose. */
function inTwoPools(fleet: FleetSetup): FleetSetup {
  const [whole] = fleet.mesh.pools.values();
  const [speed] = fleet.speeds.values();
  if (whole === undefined || speed === undefined) throw new TypeError("the fleet has one pool");
  const half = ENGINES / 2;
  const pools = ["a", "b"].map((id, n) => {
    const engines = whole.engines.slice(n * half, (n + 1) * half);
    return { ...whole, id, engines: engines.map((engine) => ({ ...engine, pool: id })) };
  });
  return {
    ...fleet,
    mesh: { ...fleet.mesh, pools: new Map(pools.map((pool) => [pool.id, pool])) },
    speeds: new Map(pools.map(({ id }) => [id, speed])),
    engines: fleet.engines.map((engine, n) => ({ ...engine, pool: n < half ? "a" : "b" })),
    links: [],
  };
}

function share(numbers: readonly number[], at: number): number {
  return (numbers[at] ?? 0) / mean(numbers);
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
