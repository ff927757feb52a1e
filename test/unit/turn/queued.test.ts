import { describe, expect, it } from "vitest";
import type { RegionService, ReserveAnswer } from "../../../src/region/service.ts";
import { planTurn, tryPlacements } from "../../../src/turn/run-turn.ts";
import { answering, coldTurn, prefilled, surroundings } from "./turn-fixtures.ts";

type Queue = {
  /** How long the first leg that is asked for has to wait, ms. */
  readonly waitMs: number;
  /** So has every other. */
  readonly isEverywhere?: boolean;
  /** Runs before each claim. */
  readonly onClaim?: () => void;
};

/** Runs a cold turn whose first reserve meets a queue; every claim passes half a second. */
async function queuedTurn(
  { waitMs, isEverywhere = false, onClaim }: Queue,
  client = new AbortController(),
) {
  const around = await surroundings(({ leg }) => (leg === "prefill" ? prefilled() : answering()));
  const { clock } = around;
  const startAt = clock.nowMs + waitMs;
  const claims: string[] = [];
  const withdrawn: string[] = [];
  const reserves: string[] = [];
  let first: { pool: string; granted: ReserveAnswer } | undefined;
  const place = { kind: "queued", ticket: "q1", startAt, askAt: startAt } as const;
  const region: RegionService = {
    ...around.deps.region,
    async reserve(ask) {
      reserves.push(`${ask.leg} at ${ask.pool}`);
      const answer = await around.deps.region.reserve(ask);
      if (first !== undefined && !isEverywhere) return answer;
      first = { pool: ask.pool, granted: answer };
      return place;
    },
    async claim({ ticket }) {
      onClaim?.();
      claims.push(ticket);
      clock.nowMs += 500;
      return clock.nowMs < startAt || first === undefined ? place : first.granted;
    },
    withdraw: ({ ticket }) => void withdrawn.push(ticket),
  };
  const deps = { ...around.deps, region };
  const turn = await coldTurn(deps, client.signal);
  const planned = planTurn(deps, turn);
  // The next best is about the same: another engine of the same pools.
  const placements = planned.placements.flatMap((one) => [one, one]);
  const tried = await tryPlacements(deps, turn, { ...planned, placements });
  return { ...around, ...tried, claims, withdrawn, reserves, firstPool: first?.pool };
}

describe("a turn that meets a queue", () => {
  it("waits in it while that is better than the next placement", async () => {
    const { result, claims, withdrawn, firstPool } = await queuedTurn({ waitMs: 1000 });
    expect(claims).toHaveLength(2);
    expect(withdrawn).toEqual([]);
    expect(result).toMatchObject({ ok: true, placement: { decode: { pool: firstPool } } });
  });

  it("gives its place up and goes elsewhere when it is not", async () => {
    const { result, claims, withdrawn, asked } = await queuedTurn({ waitMs: 50_000 });
    expect(claims).toEqual([]);
    expect(withdrawn).toEqual(["q1"]);
    expect(result.ok).toBe(true);
    expect(asked.length).toBeGreaterThan(1);
  });

  it("asks no pool twice, however many engines it has, where all are queues", async () => {
    const { reserves } = await queuedTurn({ waitMs: 50_000, isEverywhere: true });
    expect(reserves.length).toBeGreaterThan(1);
    expect(new Set(reserves).size).toBe(reserves.length);
  });

  it("gives its place up when its client leaves, and nothing runs", async () => {
    const client = new AbortController();
    const left = await queuedTurn({ waitMs: 1500, onClaim: () => client.abort() }, client);
    expect(left.withdrawn).toEqual(["q1"]);
    expect(left.ordered).toEqual([]);
    expect(left.result.ok).toBe(false);
  });
});
