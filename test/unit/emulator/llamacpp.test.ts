import { describe, expect, it, vi } from "vitest";
import type { EmulatedFleet } from "../../support/emulated-fleet.ts";
import {
  BOTH,
  chat,
  DECODE,
  fleetOf,
  IDLE,
  PREFILL,
  textOf,
  whole,
  type Whole,
  withFakeTime,
} from "./vllm-fixtures.ts";

withFakeTime();

const LEASE_MS = 30_000;

describe("an emulated llama.cpp engine", () => {
  it("leaves a prompt's state under a handle and says nothing", async () => {
    const { body } = await prefilled(fleetOf("llamacpp"));
    expect(body.choices[0]).toMatchObject({ message: { content: "" }, finish_reason: "length" });
    expect(body.usage).toMatchObject({
      completion_tokens: 0,
      prompt_tokens_details: { cached_tokens: 0 },
    });
    expect(body.kv_transfer_params).toEqual({
      handle: expect.stringMatching(/^kv_[\w-]{43}$/),
      from: "http://127.0.0.1:9100/p/0",
      tokens: body.usage.prompt_tokens,
      bytes: body.usage.prompt_tokens * 10_000,
      model: "small ",
      lease_ms: LEASE_MS,
    });
  });

  it("fetches the state that a handle names, and computes the last token alone", async () => {
    const fleet = fleetOf("llamacpp");
    const decode = await decoded(fleet, await prefilled(fleet));
    const { prompt_tokens } = decode.body.usage;
    const tokens = prompt_tokens - 1;
    expect(decode.body.usage.prompt_tokens_details).toEqual({ cached_tokens: tokens });
    expect(fetchedBy(decode)).toEqual({
      tokens,
      bytes: tokens * 10_000,
      ms: expect.closeTo(tokens / 100, -1),
    });
    expect((await fleet.ledger(DECODE)).entries[0]).toMatchObject({ computedTokens: 1 });
    expect(textOf(decode)).toBe(textOf(await whole(fleet.ask(BOTH, chat()))));
  });

  it("tells it in a stream with the usage", async () => {
    const fleet = fleetOf("llamacpp");
    const { body } = await prefilled(fleet);
    const kv_transfer_params = { fetch: body.kv_transfer_params };
    const more = { stream: true, stream_options: { include_usage: true }, kv_transfer_params };
    const answering = fleet.ask(DECODE, chat(more));
    await vi.advanceTimersByTimeAsync(1000);
    const frames = (await (await answering).text()).split("\n\n").filter((one) => one !== "");
    expect(frames.at(-1)).toBe("data: [DONE]");
    expect(frames.at(-2)).toMatch(/"choices":\[\],"usage":\{.*"fetched":\{"tokens":\d+,/);
  });

  it("frees a state after its lease, whether or not it was fetched", async () => {
    const fleet = fleetOf("llamacpp");
    await decoded(fleet, await prefilled(fleet));
    expect((await fleet.ledger(PREFILL)).leasedBlocks).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(LEASE_MS);
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
    expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
  });

  it("keeps the whole conversation where it is asked to, for a prefill that goes on from it", async () => {
    const fleet = fleetOf("llamacpp");
    const first = await whole(fleet.ask(DECODE, chat({ kv_transfer_params: { leave: true } })));
    const kept = first.body.kv_transfer_params;
    expect(kept).toMatchObject({ tokens: first.body.usage.prompt_tokens + 8 - 1 });
    const { messages } = chat() as { readonly messages: readonly object[] };
    const next = [...messages, { role: "assistant", content: textOf(first) }, ...messages];
    const asked = { messages: next, kv_transfer_params: { leave: "prompt", fetch: kept } };
    const second = await whole(fleet.ask(PREFILL, chat({ max_tokens: 1, ...asked })));
    expect(fetchedBy(second)).toMatchObject({ tokens: kept?.["tokens"], bytes: kept?.["bytes"] });
  });
});

describe("an emulated llama.cpp engine computes, and tells why", () => {
  it.each([
    ["a state whose lease is over", async () => vi.advanceTimersByTimeAsync(LEASE_MS), "there"],
    [
      "one of an engine that restarted",
      (fleet: EmulatedFleet) => fleet.admin(PREFILL, "restart"),
      "there",
    ],
    [
      "one that is cut",
      (fleet: EmulatedFleet) => fleet.admin(DECODE, "faults", { fault: "load" }),
      "broke off",
    ],
  ])("%s", async (_, strike, why) => {
    const fleet = fleetOf("llamacpp");
    const prefill = await prefilled(fleet);
    await strike(fleet);
    const decode = await decoded(fleet, prefill);
    expect(fetchedBy(decode)).toEqual({ failed: expect.stringContaining(why) });
    expect(decode.body.usage.prompt_tokens_details).toEqual({ cached_tokens: 0 });
    expect(textOf(decode)).toBe(textOf(await whole(fleet.ask(BOTH, chat()))));
  });

  it.each([
    ["one of another tenant", { cache_salt: "theirs" }, {}],
    ["one of another model", {}, { model: "other" }],
  ])("%s", async (_, more, handle) => {
    const fleet = fleetOf("llamacpp");
    const { body } = await prefilled(fleet);
    const fetch = { ...body.kv_transfer_params, ...handle };
    const decode = await whole(fleet.ask(DECODE, chat({ ...more, kv_transfer_params: { fetch } })));
    expect(fetchedBy(decode)).toEqual({ failed: expect.any(String) });
    expect(decode.status).toBe(200);
  });

  it("what another prompt's state has not in common with its own", async () => {
    const fleet = fleetOf("llamacpp");
    const { body } = await prefilled(fleet);
    const messages = [{ role: "user", content: "Something else altogether. ".repeat(80) }];
    const asked = { messages, kv_transfer_params: { fetch: body.kv_transfer_params } };
    const decode = await whole(fleet.ask(DECODE, chat(asked)));
    expect(fetchedBy(decode)).toMatchObject({ bytes: 0 });
    expect(textOf(decode)).toBe(textOf(await whole(fleet.ask(BOTH, chat({ messages })))));
  });
});

describe("an emulated llama.cpp engine refuses", () => {
  it.each([
    ["members it does not know", { leaves: true }, "leaves"],
    ["another way to leave", { leave: "answer" }, "leave"],
    ["half a handle", { fetch: { handle: `kv_${"x".repeat(43)}` } }, "from"],
    ["what is no object", "leave", "object"],
  ])("%s", async (_, kv_transfer_params, says) => {
    const fleet = fleetOf("llamacpp");
    const refused = await whole(fleet.ask(DECODE, chat({ kv_transfer_params })));
    expect([refused.status, refused.body.error?.message]).toEqual([
      400,
      expect.stringContaining(says),
    ]);
  });

  it.each([
    ["a member more in a handle", { more: 1 }, "more"],
    ["a handle that is none", { handle: "kv_short" }, "handle"],
    ["a state of an engine that is no peer", { from: "http://127.0.0.1:9100/u/0" }, "peers"],
    ["a state of who knows whom", { from: "http://evil.example" }, "peers"],
  ])("%s", async (_, changed, says) => {
    const fleet = fleetOf("llamacpp");
    const { body } = await prefilled(fleet);
    const fetch = { ...body.kv_transfer_params, ...changed };
    const refused = await whole(fleet.ask(DECODE, chat({ kv_transfer_params: { fetch } })));
    expect(refused.status).toBe(400);
    expect(refused.body.error?.message).toContain(says);
  });

  it.each([{ max_tokens: 2 }, { stream: true }])("to prefill alone with %j", async (more) => {
    const asked = { max_tokens: 1, kv_transfer_params: { leave: "prompt" }, ...more };
    const refused = await whole(fleetOf("llamacpp").ask(PREFILL, chat(asked)));
    expect(refused.status).toBe(400);
  });
});

function prefilled(fleet: EmulatedFleet): Promise<Whole> {
  const kv_transfer_params = { leave: "prompt" };
  return whole(fleet.ask(PREFILL, chat({ max_tokens: 1, kv_transfer_params })));
}

function decoded(fleet: EmulatedFleet, { body }: Whole): Promise<Whole> {
  const kv_transfer_params = { fetch: body.kv_transfer_params };
  return whole(fleet.ask(DECODE, chat({ kv_transfer_params })));
}

function fetchedBy({ body }: Whole): unknown {
  return body.kv_transfer_params?.["fetched"];
}
