import { describe, expect, it } from "vitest";
import { loadOfRanks } from "../../../../src/engines/load/engine-load.ts";
import { readSglangLoads } from "../../../../src/engines/load/sglang-loads.ts";

const rank = (dpRank: number, more: object = {}) => ({
  dp_rank: dpRank,
  num_running_reqs: 4,
  num_waiting_reqs: 1,
  num_waiting_uncached_tokens: 900,
  num_used_tokens: 2500,
  num_total_tokens: 3500,
  max_total_num_tokens: 10_000,
  max_running_requests: 128,
  token_usage: 0.25,
  gen_throughput: 812.4,
  cache_hit_rate: 0.61,
  utilization: 0,
  ...more,
});

const answer = (loads: unknown) =>
  JSON.stringify({ timestamp: "2026-11-23T14:00:00+00:00", version: "0.5.11", loads });

describe("SGLang's loads", () => {
  it("are told for each rank, in the ranks' order", () => {
    const told = readSglangLoads(answer([rank(1, { num_waiting_reqs: 7 }), rank(0)]));
    expect(told.map(({ rank: of, load }) => [of, load.waiting])).toEqual([
      [0, 1],
      [1, 7],
    ]);
    expect(told[0]?.load).toEqual({
      waiting: 1,
      running: 4,
      waitingTokens: 900,
      kvUse: 0.25,
      capacityTokens: 10_000,
    });
  });

  it("come to the load of the engine", () => {
    const told = readSglangLoads(answer([rank(0), rank(1, { token_usage: 0.75 })]));
    expect(loadOfRanks(told.map(({ load }) => load))).toEqual({
      waiting: 2,
      running: 8,
      waitingTokens: 1800,
      kvUse: 0.5,
      capacityTokens: 20_000,
    });
  });

  it("are unknown of the engine where one rank does not tell", () => {
    const silent = rank(1, { num_waiting_reqs: undefined });
    const told = readSglangLoads(answer([rank(0), silent]));
    expect(loadOfRanks(told.map(({ load }) => load))).toMatchObject({
      waiting: undefined,
      running: 8,
    });
  });

  it("of an older server count those that wait among all requests", () => {
    const old = [
      { dp_rank: 0, num_reqs: 5, num_waiting_reqs: 2, num_tokens: 4000, num_pending_tokens: 800 },
    ];
    expect(readSglangLoads(JSON.stringify(old))).toEqual([
      { rank: 0, load: { waiting: 2, running: 3, waitingTokens: 800 } },
    ]);
  });

  it("have the cache's use from its tokens where the share is not told", () => {
    const [told] = readSglangLoads(answer([rank(0, { token_usage: null })]));
    expect(told?.load.kvUse).toBe(0.25);
    const [empty] = readSglangLoads(
      answer([rank(0, { token_usage: null, max_total_num_tokens: 0 })]),
    );
    expect(empty?.load.kvUse).toBeUndefined();
  });

  it.each(["", "{", "null", "[1]", '{"loads":null}', '{"loads":[null,3]}', '{"error":"x"}'])(
    "are none in %j",
    (body) => {
      expect(readSglangLoads(body)).toEqual([]);
    },
  );
});
