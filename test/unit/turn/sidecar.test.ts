import { describe, expect, it } from "vitest";
import type { Usage } from "../../../src/core/leg.ts";
import type { TurnDeps } from "../../../src/turn/deps.ts";
import { cachedFigure, resolveHandoff } from "../../../src/turn/cached-figure.ts";
import { planTurn, tryPlacements } from "../../../src/turn/run-turn.ts";
import { workOf } from "../../../src/turn/segments.ts";
import { answering, broken, coldTurn, type Engine, surroundings } from "./turn-fixtures.ts";

/** A cold turn, planned as a split, against decode engines with a sidecar that answer as told. */
async function tried(engine: Engine, signal?: AbortSignal, shown: readonly object[] = []) {
  const around = await surroundings(engine);
  const known = around.deps.capabilities("");
  const deps: TurnDeps = {
    ...around.deps,
    capabilities: () => ({
      ...known,
      coupling: "sidecar",
      cachedFrom: { together: true, disaggregated: "decode" },
      tookHandoff: () => undefined,
    }),
  };
  const turn = await coldTurn(deps, signal, true, shown);
  return { ...around, deps, turn, ...(await tryPlacements(deps, turn, planTurn(deps, turn))) };
}

describe("a split by the sidecar of a decode engine", () => {
  it("is one request that names both engines, both of them granted", async () => {
    const { asked, ordered, reported, runs, result } = await tried(() => answering());
    expect(asked.map(({ leg }) => leg)).toEqual(["decode", "prefill"]);
    expect(ordered).toHaveLength(1);
    expect(ordered[0]).toMatchObject({
      leg: "decode",
      engine: runs[1]?.grant.engine,
      split: { prefill: runs[0]?.grant.engine, decode: runs[1]?.grant.engine },
    });
    expect(result).toMatchObject({ ok: true, placement: { mode: "disaggregated" } });
    expect(runs.map(({ leg, outcome }) => [leg, outcome])).toEqual([
      ["prefill", "served"],
      ["decode", undefined],
    ]);
    expect(reported.map(({ event }) => event)).toEqual(["first-token", "done"]);
  });

  it("blames both engines when it fails, as neither is told", async () => {
    let first: string | undefined;
    const { ordered, runs, result } = await tried(({ requestId }) => {
      first ??= requestId;
      return requestId === first ? broken("stalled") : answering();
    });
    expect(result.ok).toBe(true);
    const failed = runs.filter(({ outcome }) => outcome === "failed");
    expect(failed.map(({ leg }) => leg).toSorted()).toEqual(["decode", "prefill"]);
    const again = ordered[1];
    for (const { grant } of failed) {
      expect(again?.engine).not.toBe(grant.engine);
      expect(again?.split?.prefill).not.toBe(grant.engine);
    }
  });

  it("is nothing to the prefill engine when the decode engine cannot be reached", async () => {
    let first: string | undefined;
    const { asked, reported } = await tried(({ requestId }) => {
      first ??= requestId;
      return requestId === first ? broken("unreachable") : answering();
    });
    expect(asked[2]?.avoid).toEqual(["h200/0"]);
    const ends = reported.slice(0, 2).map(({ event, failure }) => [event, failure]);
    expect(ends).toEqual([
      ["failed", "unreachable"],
      ["released", "unreachable"],
    ]);
  });

  it("counts against neither engine where either may be at fault", async () => {
    const failure = { kind: "status", message: "500", blames: "either" } as const;
    let first: string | undefined;
    const { asked, reported } = await tried(({ requestId }) => {
      first ??= requestId;
      return requestId === first ? { ok: false, failure } : answering();
    });
    expect(asked[2]?.avoid.toSorted()).toEqual(["cpx/0", "h200/0"]);
    expect(reported.slice(0, 2).map(({ failure }) => failure)).toEqual(["handoff", "handoff"]);
  });

  it("is left to one engine alone once every pair of engines has failed so", async () => {
    const failure = { kind: "status", message: "500", blames: "either" } as const;
    const { ordered, result } = await tried(({ leg }) =>
      leg === "both" ? answering() : { ok: false, failure },
    );
    expect(result).toMatchObject({ ok: true, placement: { mode: "together" } });
    const pairs = ordered.flatMap(({ split }) => (split ? [split.prefill + split.decode] : []));
    expect(new Set(pairs).size).toBe(pairs.length);
  });

  it("is ended in both books when the client leaves", async () => {
    const client = new AbortController();
    const { runs, result } = await tried(() => {
      client.abort();
      return broken("aborted");
    }, client.signal);
    expect(result).toMatchObject({ ok: false, failure: { kind: "aborted" } });
    expect(runs.map(({ outcome }) => outcome)).toEqual(["cancelled", "cancelled"]);
  });

  it("tells which media the prompt shows, at the first try only", async () => {
    const { ordered, turn } = await tried(
      ({ requestId }) => (requestId === "req_1" ? broken("stalled") : answering()),
      undefined,
      [PICTURE],
    );
    expect(turn.chain.media).toHaveLength(1);
    expect(ordered.map(({ media }) => media)).toEqual([turn.chain.media, undefined]);
  });

  it("is tried again on the same engines when what was to encode its media failed", async () => {
    const message = "502: encoder request failed";
    const failure = { kind: "status", status: 502, message, blames: "encoder" } as const;
    const { ordered, reported, result } = await tried(
      ({ media }) => (media ? { ok: false, failure } : answering()),
      undefined,
      [PICTURE],
    );
    expect(result.ok).toBe(true);
    const [first, again] = ordered;
    expect(ordered).toHaveLength(2);
    expect([again?.engine, again?.split?.prefill]).toEqual([first?.engine, first?.split?.prefill]);
    expect(reported.map(({ event }) => event)).not.toContain("failed");
  });

  it.each([
    ["tells", { cachedTokens: 4096 }, 4096],
    ["would tell, and does not,", {}, 0],
  ])("has of the prompt cached what the answer %s", async (_what, told, cached) => {
    const { deps, turn, result } = await tried(() => answering());
    if (!result.ok || result.prefill === undefined) throw new TypeError("the fixture splits");
    const usage: Usage = { promptTokens: 20_000, outputTokens: 5, ...told };
    result.answer.usage = usage;
    await resolveHandoff(deps, turn, result);
    expect(cachedFigure(deps, turn, result)).toBe(cached);
    expect(workOf(deps, turn, result.prefill), "nobody told who prefilled").toMatchObject({
      known: "assumed",
      promptTokens: 20_000,
      cachedTokens: cached,
      computedTokens: 20_000 - cached,
    });
    const decode = workOf(deps, turn, result.answer);
    expect(decode).not.toHaveProperty("cachedTokens");
    expect(decode).not.toHaveProperty("known");
  });
});

const PICTURE = { type: "image_url", image_url: { url: "https://a.example/1.png" } };
