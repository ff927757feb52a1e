import { describe, expect, it } from "vitest";
import { planCapabilities } from "../../../src/region/plan-capabilities.ts";
import type { Holding, SettleAsk } from "../../../src/rpc/session-messages.ts";
import { answerTurn } from "../../../src/turn/answer.ts";
import type { TurnDeps } from "../../../src/turn/deps.ts";
import { coldTurn, surroundings } from "./turn-fixtures.ts";

const CHOICE = '"index":0,"finish_reason":"stop"';
const USAGE = '"usage":{"prompt_tokens":20000,"completion_tokens":2}';
const NVEXT =
  '"nvext":{"worker_id":{"prefill_worker_id":18446744073709551615,"decode_worker_id":7},"timing":{"ttft_ms":45.2}}';
const PIN = '{"prefill_worker_id":18446744073709551615,"decode_worker_id":7}';
const WHOLE = `{"choices":[{${CHOICE},"message":{"content":"hi"}}],${USAGE},${NVEXT}}`;
const STREAM = `data: {"choices":[{${CHOICE},"delta":{"content":"hi"}}]}\n\ndata: {"choices":[],${USAGE},${NVEXT}}\n\ndata: [DONE]\n\n`;

/** A turn on an endpoint that tells which of its workers served it. */
async function served(stream: boolean, workerPins: boolean, holdings: readonly Holding[] = []) {
  const around = await surroundings(() => {
    const contentType = stream ? "text/event-stream" : "application/json";
    const { body } = new Response(stream ? STREAM : WHOLE);
    if (body === null) throw new TypeError("it has a body");
    return { ok: true, kind: "answering", contentType, body };
  });
  const settled: SettleAsk[] = [];
  const work: Promise<unknown>[] = [];
  const { fleet, capabilities } = around.deps;
  const pools = [...fleet.pools.values()].map(
    (pool) => [pool.id, { ...pool, workerPins }] as const,
  );
  const deps: TurnDeps = {
    ...around.deps,
    fleet: { ...fleet, pools: new Map(pools) },
    capabilities(name) {
      const { told, forClient } = planCapabilities("dynamo");
      return { ...capabilities(name), told, forClient };
    },
    sessions: {
      open: async () => undefined,
      settle: async (_name, ask) => {
        settled.push(ask);
        return undefined;
      },
    },
    waitUntil: (promise) => void work.push(promise),
  };
  const cold = await coldTurn(deps, undefined, stream);
  const opened = { v: 1, branch: 0, turns: 1, holdings, stats: STATS } as const;
  const session = { ...cold.session, name: "0123456789abcdef01234567", opened };
  const response = await answerTurn(deps, { ...cold, session }, RENDER);
  const text = await response.text();
  await Promise.all(work);
  return { ...around, text, settled, receipt: around.receipts[0] };
}

const STATS = {
  turns: 1,
  promptTokens: 1,
  cachedTokens: 0,
  outputTokens: 1,
  usd: 0,
  firstAt: 0,
  lastAt: 0,
  outputPerTurn: 1,
  savedUsd: 0,
  newPromptPerTurn: 1,
  gapMs: 0,
  charsPerToken: 4,
};

const RENDER = { failure: () => new Response(null, { status: 500 }), errorFrame: () => "" };

describe.each([
  ["streamed", true],
  ["whole", false],
])("a %s answer whose endpoint tells whom it chose", (_how, stream) => {
  it("has them in its receipt, and not what pins a turn to them", async () => {
    const { receipt } = await served(stream, true);
    const names = receipt?.segments.map(({ phase, toldEngine }) => [phase, toldEngine]);
    expect(new Map(names as [string, string][])).toEqual(
      new Map([
        ["prefill", "18446744073709551615"],
        ["decode", "7"],
      ]),
    );
    expect(receipt?.work[0]?.told).toEqual({
      prefill: "18446744073709551615",
      decode: "7",
      ttftMs: 45.2,
    });
  });

  it("does not tell the client, who did not ask", async () => {
    const { text } = await served(stream, true);
    expect(text).toContain('"content":"hi"');
    expect(text).not.toContain("worker_id");
  });

  it.each([
    [true, PIN],
    [false, undefined],
  ])("is remembered by its session where its pool pins: %s", async (workerPins, pin) => {
    const { settled } = await served(stream, workerPins);
    expect(settled[0]?.holdings[0]?.pin).toBe(pin);
  });
});

it("a turn takes along what engines told of the last one", async () => {
  const held = { links: 1, tokens: 9, tier: "hbm", known: "reported", at: 0 } as const;
  const { ordered } = await served(false, true, [
    { ...held, engine: "h200/0", pin: PIN },
    { ...held, engine: "h200/1" },
  ]);
  expect(ordered[0]?.pins).toEqual({ "h200/0": PIN });
});
