import { describe, expect, it } from "vitest";
import type { Fetched } from "../../../src/core/leg.ts";
import { planCapabilities } from "../../../src/region/plan-capabilities.ts";
import type { LegAnswer } from "../../../src/region/service.ts";
import { answerTurn } from "../../../src/turn/answer.ts";
import type { TurnDeps } from "../../../src/turn/deps.ts";
import { fleet, MODEL, pool } from "../plan/plan-fixtures.ts";
import { reserve } from "../../../src/turn/legs.ts";
import { coldTurn, surroundings } from "./turn-fixtures.ts";

const PULL = { from: "h200/1", tokens: 16_000, movedTokens: 16_000, ms: 40 };
const RENDER = { failure: () => new Response(null, { status: 500 }), errorFrame: () => "" };

/** A turn on one engine that is granted a pull, and tells that of it beside so many cached tokens. */
async function pulling(fetched: Fetched | "refused", cachedTokens: number) {
  const params = fetched === "refused" ? {} : { kv_transfer_params: { fetched } };
  const usage = {
    prompt_tokens: 20_000,
    completion_tokens: 2,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
  const message = { content: "hi" };
  const choices = [{ index: 0, finish_reason: "stop", message }];
  const around = await surroundings(
    (): LegAnswer => {
      const { body } = new Response(JSON.stringify({ choices, usage, ...params }));
      if (body === null) throw new TypeError("it has a body");
      const refusedPull = fetched === "refused" ? ({ refusedPull: true } as const) : {};
      const answer = { ok: true, kind: "answering", contentType: "application/json" } as const;
      return { ...answer, body, ...refusedPull };
    },
    {},
    fleet({ poolList: [pool("h200")], links: [] }),
  );
  const work: Promise<unknown>[] = [];
  const { region } = around.deps;
  const deps: TurnDeps = {
    ...around.deps,
    capabilities: (name) => ({
      ...around.deps.capabilities(name),
      told: planCapabilities("llamacpp").told,
    }),
    region: {
      ...region,
      async reserve(ask) {
        const answer = await region.reserve(ask);
        if (answer.kind !== "granted") return answer;
        return { kind: "granted", grant: { ...answer.grant, pull: PULL } };
      },
    },
    waitUntil: (promise) => void work.push(promise),
  };
  const response = await answerTurn(deps, await coldTurn(deps, undefined, false), RENDER);
  await response.text();
  await Promise.all(work);
  const [receipt] = around.receipts;
  if (receipt === undefined) throw new TypeError("there is a receipt");
  const tiles = receipt.segments
    .filter(({ phase }) => phase === "prefill")
    .map(({ from, to, kv, reason, pulledFrom }) => ({ from, to, kv, reason, pulledFrom }));
  const ended = around.reported.find(({ event }) => event === "done");
  return { receipt, tiles, ended, ordered: around.ordered };
}

describe("a turn whose engine pulled a prefix", () => {
  const fetched = { tokens: 15_000, bytes: 4.9e9, ms: 55 };

  it("is sent where to pull from", async () => {
    const { ordered } = await pulling(fetched, 16_000);
    expect(ordered).toMatchObject([{ engine: "h200/0", pull: "h200/1" }]);
  });

  it("says for every prompt token whether it was there, pulled or computed", async () => {
    const { tiles } = await pulling(fetched, 16_000);
    const own = { kv: "cached", reason: "told so", pulledFrom: undefined };
    const reason = "pulled from h200/1";
    expect(tiles).toEqual([
      { from: 0, to: 1000, ...own },
      { from: 1000, to: 16_000, kv: "cached", reason, pulledFrom: "h200/1" },
      { from: 16_000, to: 20_000, ...own, kv: "computed" },
    ]);
  });

  it("says what was predicted of it, and what came", async () => {
    const { receipt, ended } = await pulling(fetched, 16_000);
    const bytes = 16_000 * MODEL.kvBytesPerToken;
    const pull = { from: "h200/1", tokens: 16_000, bytes, ms: 40 };
    expect(receipt.work).toMatchObject([{ pull, told: { fetched }, cachedTokens: 16_000 }]);
    expect(ended?.fetched).toEqual(fetched);
  });

  it("counts no more as pulled than was cached, where all of the state is told", async () => {
    const { tiles } = await pulling({ ...fetched, tokens: 18_000 }, 16_000);
    expect(tiles.map(({ from, pulledFrom }) => [from, pulledFrom])).toEqual([
      [0, "h200/1"],
      [16_000, undefined],
    ]);
  });
});

describe("a leg that fetches a handle", () => {
  it.each([
    ["does not pull besides", { kept: "{}" }, undefined],
    ["pulls where it has none", {}, PULL],
  ])("%s", async (_, given, pull) => {
    const { deps } = await surroundings(() => {
      throw new Error("nothing runs");
    });
    const { region } = deps;
    const pulling: TurnDeps = {
      ...deps,
      region: {
        ...region,
        async reserve(ask) {
          const answer = await region.reserve(ask);
          if (answer.kind !== "granted") return answer;
          return { kind: "granted", grant: { ...answer.grant, pull: PULL } };
        },
      },
    };
    const place = { leg: "prefill", pool: "cpx", requestId: "r", avoid: [] } as const;
    const order = { ...place, handedTokens: 0, startBy: Infinity, given };
    const reserved = await reserve(pulling, await coldTurn(pulling), order);
    expect(reserved.ok && reserved.run.grant.pull).toEqual(pull);
  });
});

describe("a turn whose engine was to pull a prefix, and computed it", () => {
  it("says that nothing came", async () => {
    const { tiles, ended } = await pulling({ failed: "it is not there" }, 0);
    const reason = "told so; nothing came of that";
    expect(tiles).toMatchObject([{ from: 0, to: 20_000, kv: "computed", reason }]);
    expect(ended?.fetched).toEqual({ failed: "it is not there" });
  });

  it("says that its engine would not", async () => {
    const { tiles, ended, receipt } = await pulling("refused", 0);
    expect(tiles).toMatchObject([{ reason: "told so; its engine would not pull that" }]);
    expect(receipt.work[0]?.pull).toMatchObject({ refused: true });
    expect(ended?.fetched).toBe("refused");
  });
});
