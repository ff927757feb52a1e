import { describe, expect, it } from "vitest";
import type { Fetched } from "../../../src/core/leg.ts";
import type { LegAnswer } from "../../../src/region/service.ts";
import { planCapabilities } from "../../../src/region/plan-capabilities.ts";
import { answerTurn } from "../../../src/turn/answer.ts";
import type { TurnDeps } from "../../../src/turn/deps.ts";
import { coldTurn, prefilled, surroundings } from "./turn-fixtures.ts";

const CHOICE = '"index":0,"finish_reason":"stop"';
const USAGE = '"usage":{"prompt_tokens":20000,"completion_tokens":2}';
const RENDER = { failure: () => new Response(null, { status: 500 }), errorFrame: () => "" };
const EARLIER: Fetched = { tokens: 100, bytes: 400, ms: 1 };

/** A split turn whose decode engine tells that of what it was handed, and the client's answer. */
async function split(stream: boolean, fetched: Fetched) {
  const params = `"kv_transfer_params":${JSON.stringify({ fetched })}`;
  const around = await surroundings(({ leg }): LegAnswer => {
    if (leg === "prefill") return { ...prefilled(), told: { fetched: EARLIER } } as LegAnswer;
    const whole = `{"choices":[{${CHOICE},"message":{"content":"hi"}}],${USAGE},${params}}`;
    const frames = `data: {"choices":[{${CHOICE},"delta":{"content":"hi"}}]}\n\ndata: {"choices":[],${USAGE},${params}}\n\ndata: [DONE]\n\n`;
    const { body } = new Response(stream ? frames : whole);
    if (body === null) throw new TypeError("it has a body");
    const contentType = stream ? "text/event-stream" : "application/json";
    return { ok: true, kind: "answering", contentType, body };
  });
  const work: Promise<unknown>[] = [];
  const deps: TurnDeps = {
    ...around.deps,
    capabilities(name) {
      const { told, forClient } = planCapabilities("llamacpp");
      return { ...around.deps.capabilities(name), told, forClient };
    },
    waitUntil: (promise) => void work.push(promise),
  };
  const response = await answerTurn(deps, await coldTurn(deps, undefined, stream), RENDER);
  const text = await response.text();
  await Promise.all(work);
  const [receipt] = around.receipts;
  if (receipt === undefined) throw new TypeError("there is a receipt");
  return { text, receipt };
}

describe.each([
  ["streamed", true],
  ["whole", false],
])("a split whose engines tell in a %s answer what they fetched", (_how, stream) => {
  it("has bytes and time of the handoff in its receipt, beside what was planned", async () => {
    const fetched = { tokens: 19_999, bytes: 123_456, ms: 7.5 };
    const { receipt } = await split(stream, fetched);
    expect(receipt.work.map(({ leg, told }) => [leg, told])).toEqual([
      ["prefill", { fetched: EARLIER }],
      ["decode", { fetched }],
    ]);
    expect(receipt.actual).toMatchObject({ kvBytes: 123_456, handoffMs: 7.5 });
    expect(receipt.predicted.handoffMs).toBeGreaterThan(0);
  });

  it("has why none came, and no time of it", async () => {
    const fetched = { failed: "the state is not there" };
    const { receipt } = await split(stream, fetched);
    expect(receipt.work[1]?.told).toEqual({ fetched });
    expect(receipt.actual).not.toHaveProperty("handoffMs");
  });

  it("tells the client nothing of it", async () => {
    const { text } = await split(stream, { failed: "gone" });
    expect(text).toContain('"content":"hi"');
    expect(text).not.toContain("fetched");
  });
});
