import { describe, expect, it } from "vitest";
import type { Kept } from "../../../src/core/session/state.ts";
import { keptTaker } from "../../../src/turn/kept.ts";
import type { LegRun } from "../../../src/turn/legs.ts";
import { planTurn, tryPlacements } from "../../../src/turn/run-turn.ts";
import {
  answering,
  broken,
  coldTurn,
  type Engine,
  prefilled,
  surroundings,
} from "./turn-fixtures.ts";

const RAW = '{"remote_block_ids":[[18446744073709551615]], "remote_num_tokens":18000}';

/** A turn in a fleet whose decode engines keep what they decoded. */
async function around(engine: Engine = () => answering()) {
  const found = await surroundings(engine);
  const { capabilities, fleet } = found.deps;
  const keeps = { member: "kv_transfer_params", forMs: 1000 };
  const h200 = fleet.pools.get("h200");
  const pools = new Map(fleet.pools);
  if (h200) pools.set("h200", { ...h200, bidirectional: true });
  const deps = {
    ...found.deps,
    fleet: { ...fleet, pools },
    capabilities: (dialect: string) => ({ ...capabilities(dialect), keeps }),
  };
  return { ...found, deps, turn: await coldTurn(deps) };
}

async function taker(pool = "h200") {
  const { deps, turn } = await around();
  const run = { grant: { pool, engine: `${pool}/0` } } as LegRun;
  return keptTaker(deps, turn, run);
}

const bytes = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const text = (from: Uint8Array | undefined) => new TextDecoder().decode(from);

describe("what a decode engine says for the next turn", () => {
  it("is taken out of a whole answer, and nothing else with it", async () => {
    const taking = await taker();
    const answer = `{ "id":"x", "kv_transfer_params" : ${RAW}, "choices":[ ] }`;
    expect(text(taking?.take(bytes(answer)))).toBe('{ "id":"x", "choices":[ ] }');
    const kept = { engine: "h200/0", raw: RAW, tokens: 18_000, until: 1_001_000 };
    expect(taking?.kept(17_901, 100)).toEqual(kept);
  });

  it("is taken out of the frame that brings it; other frames pass as they are", async () => {
    const taking = await taker();
    const plain = bytes('data: {"choices":[{"delta":{"content":"kv"}}]}\n\n');
    expect(taking?.takeFrame(plain)).toBe(plain);
    const last = `id: 7\ndata: {"choices":[],"kv_transfer_params":${RAW}}\n\n`;
    expect(text(taking?.takeFrame(bytes(last)))).toBe('id: 7\ndata: {"choices":[]}\n\n');
    expect(taking?.kept(10, 2)?.raw).toBe(RAW);
  });

  it("is no use where reasoning was decoded that the next prompt leaves out", async () => {
    const taking = await taker();
    taking?.takeFrame(bytes('data: {"choices":[{"delta":{"reasoning_content":"hm"}}]}\n\n'));
    taking?.takeFrame(bytes(`data: {"choices":[],"kv_transfer_params":${RAW}}\n\n`));
    expect(taking?.kept(10, 2)).toBeUndefined();
  });

  it("is nothing where it said null, or its pool does not keep", async () => {
    const taking = await taker();
    expect(text(taking?.take(bytes('{"kv_transfer_params":null,"a":1}')))).toBe('{"a":1}');
    expect(taking?.kept(10, 2)).toBeUndefined();
    expect(await taker("cpx")).toBeUndefined();
  });
});

describe("a turn whose session has such a handle", () => {
  async function tried(engine: Engine) {
    const { deps, turn, ordered, asked } = await around(engine);
    const kept: Kept = { engine: "h200/0", raw: RAW, tokens: 18_000, until: Infinity };
    const { engine: from, tokens } = kept;
    const withKept = {
      ...turn,
      ask: { ...turn.ask, kept: { engine: from, tokens } },
      session: { ...turn.session, opened: { ...NOTHING_OPENED, kept } },
    };
    const { result } = await tryPlacements(deps, withKept, planTurn(deps, withKept));
    return { result, ordered, asked };
  }

  it("sends it with the prefill leg as it came, and asks for no more prefill than is left", async () => {
    const { ordered, asked } = await tried(({ leg }) =>
      leg === "prefill" ? prefilled() : answering(),
    );
    expect(ordered.map(({ leg, kept }) => [leg, kept])).toEqual([
      ["prefill", RAW],
      ["decode", undefined],
    ]);
    expect(asked.find(({ leg }) => leg === "prefill")?.handedTokens).toBe(18_000);
  });

  it("does not send it again once an attempt has failed with it", async () => {
    let failed = false;
    const { ordered, result } = await tried(({ leg }) => {
      if (leg !== "prefill") return answering();
      if (failed) return prefilled();
      failed = true;
      return broken("unreachable");
    });
    expect(result.ok).toBe(true);
    expect(ordered.filter(({ kept }) => kept !== undefined)).toHaveLength(1);
  });
});

const NOTHING_OPENED = {
  v: 1,
  branch: 0,
  turns: 1,
  holdings: [],
  stats: {
    turns: 1,
    promptTokens: 0,
    cachedTokens: 0,
    outputTokens: 0,
    usd: 0,
    firstAt: 0,
    lastAt: 0,
    outputPerTurn: 100,
    savedUsd: 0,
    newPromptPerTurn: 2000,
    gapMs: 0,
    charsPerToken: 4,
  },
} as const;
