import type { Fleet } from "../../../src/core/fleet.ts";
import type { EngineSetup, FleetSetup, RunOptions } from "../../../src/replay/fleet-setup.ts";
import { packArrivals } from "../../../src/replay/pack.ts";
import type { Policy, PolicyEntry, PolicySetup, Send } from "../../../src/replay/policy.ts";
import { Simulation } from "../../../src/replay/simulation.ts";
import type { Workload } from "../../../src/replay/workload.ts";
import type { TraceRequest } from "../../../src/traces/requests/request.ts";

export const BLOCK = 100;

/** 10 ms and 0.1 ms per token of prefill, 5 ms and 1 ms per request of decode. */
export const SPEED = {
  prefillMs: (tokens: number, cached: number) =>
    tokens <= cached ? 0 : 10 + (tokens - cached) / 10,
  stepMs: (batch: number) => 5 + batch,
  kvTokens: 20_000,
  watts: 100,
  usdPerMs: 0.001,
};

/** What tests say of a request; block ids may be any numbers, equal where prefixes are. */
export type Row = {
  readonly atMs?: number;
  readonly prompt: number;
  readonly output?: number;
  readonly blocks?: readonly number[];
  readonly session?: string;
  /** Later turns of the same session, each after the answer before and its `thinkMs`. */
  readonly later?: readonly (Omit<Row, "later" | "atMs" | "session"> & {
    readonly thinkMs: number;
  })[];
};

export async function workloadOf(rows: readonly Row[]): Promise<Workload> {
  const arrivals = rows.map((row, index) => {
    const session = row.session ?? `session-${index}`;
    const request = requestOf(row, session, 0, 0);
    const later = (row.later ?? []).map((turn, n) => requestOf(turn, session, n + 1, turn.thinkMs));
    return { atMs: row.atMs ?? 0, request, later };
  });
  return packArrivals("rows", arrivals, BLOCK);
}

function requestOf(
  row: Omit<Row, "later">,
  session: string,
  turn: number,
  thinkMs: number,
): TraceRequest {
  return {
    session,
    turn,
    offsetMs: 0,
    thinkMs,
    promptTokens: row.prompt,
    outputTokens: row.output ?? 1,
    blocks: row.blocks ?? [],
    blockTokens: BLOCK,
  };
}

/** Equal engines of one pool, all linked with each other at 1 GB/s and 1 ms. */
export function fleetOf(engines: number, other: Partial<EngineSetup> = {}): FleetSetup {
  const setups = Array.from({ length: engines }, (_, n): EngineSetup => ({
    id: `pool/${n}`,
    pool: "pool",
    region: "here",
    model: "model",
    device: "device",
    roles: ["prefill", "decode"],
    speed: SPEED,
    kvTokens: SPEED.kvTokens,
    kvBytesPerToken: 1000,
    maxBatch: 16,
    chunkTokens: 100_000,
    promptsPerIteration: Infinity,
    decodes: true,
    portBytesPerMs: 1e6,
    ...other,
  }));
  return {
    mesh: MESH,
    speeds: new Map([["pool", SPEED]]),
    engines: setups,
    links: [
      {
        from: "pool",
        to: "pool",
        bytesPerMs: Infinity,
        perFlowBytesPerMs: 1e6,
        setupMs: 1,
        usdPerGB: 0.5,
      },
    ],
    rttMs: (from, to) => (from === to ? 0 : 40),
  };
}

const MESH: Fleet = {
  version: "test",
  regions: new Map(),
  models: new Map(),
  modelNames: new Map(),
  devices: new Map(),
  pools: new Map(),
  links: [],
  rules: [],
  labels: { mediumFrom: 4096, longFrom: 32_768, ultraFrom: 262_144, smallUpToParams: 9e9 },
  slo: { interactive: { ttftMs: 1000, tpotMs: 50 }, batch: { deadlineMs: 600_000 } },
  prices: {
    valueOfTimeUsdPerS: { interactive: 0.001, batch: 0.00001 },
    missPenaltyUsd: 0.002,
    joulePriceUsd: 0,
  },
};

/** A policy made of one function. */
export function policyOf(
  create: (setup: PolicySetup) => Policy,
  instances: PolicyEntry["instances"] = "edge",
): PolicyEntry {
  return { name: "test", instances, create };
}

/** Sends request `i` to where `routes[i]` says, the last one repeated. */
export function always(...routes: Omit<Send, "kind">[]): PolicyEntry {
  return policyOf(() => ({
    route: ({ index }) => ({
      kind: "send",
      ...(routes[Math.min(index, routes.length - 1)] ?? { engine: 0 }),
    }),
  }));
}

export function run(
  workload: Workload,
  fleet: FleetSetup,
  policy: PolicyEntry,
  options: Partial<RunOptions> = {},
): Simulation {
  const simulation = new Simulation(workload, fleet, policy, {
    seed: 1,
    edges: 1,
    staleMs: 0,
    ...options,
  });
  simulation.run();
  return simulation;
}

/** TTFT of every request, ms. */
export function ttfts({ outcomes }: Simulation): number[] {
  return [...outcomes.firstTokenAt].map((at, i) => at - (outcomes.arrivedAt[i] ?? 0));
}
