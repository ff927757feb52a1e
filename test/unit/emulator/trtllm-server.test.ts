import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { KvCursor } from "../../../src/core/grant/kv-events.ts";
import { readKvEvents } from "../../../src/engines/load/kv-events.ts";
import { readLoad } from "../../../src/engines/load/read-load.ts";
import { readTrtllmStats } from "../../../src/engines/load/trtllm-stats.ts";
import type { EmulatedFleet } from "../../support/emulated-fleet.ts";
import { ALONE, chat, CONTEXT, pair, told } from "./trtllm-fixtures.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an emulated TensorRT-LLM server refuses, as a bad request,", () => {
  it.each([
    [
      "a parameter that it does not know",
      '{"request_type":"context_only","conversation_id":"x"}',
      "'disaggregated_params', 'conversation_id'",
    ],
    ["no request type", '{"ctx_request_id":1}', "Field required"],
    ["another request type", '{"request_type":"half"}', "Unknown request type: half"],
    [
      "a number that is none",
      '{"request_type":"generation_only","ctx_request_id":"1"}',
      "valid integer",
    ],
    [
      "a number of more than 64 bits",
      '{"request_type":"generation_only","ctx_request_id":18446744073709551616}',
      "valid integer",
    ],
    ["generation of nothing", '{"request_type":"generation_only"}', "ctx_request_id"],
    [
      "a state that is not its own",
      '{"request_type":"generation_only","ctx_request_id":1,"encoded_opaque_state":"AAAA"}',
      "encoded_opaque_state",
    ],
  ])("%s", async (_, params, message) => {
    const { status, body } = await told(pair().ask(CONTEXT, chat(params)));
    expect(status).toBe(400);
    expect(body).toMatchObject({ object: "error", type: "BadRequestError", code: 400 });
    expect(body.message).toContain(message);
  });

  it.each([
    ["a member that it does not know", { service_tier: "auto" }, "'service_tier'"],
    [
      "stream options without a stream",
      { stream_options: { include_usage: true } },
      "stream_options",
    ],
  ])("%s", async (_, more, message) => {
    const { status, body } = await told(pair().ask(ALONE, chat(undefined, more)));
    expect(status).toBe(400);
    expect(body.message).toContain(message);
  });

  it.each([{ n: 2 }, { use_beam_search: true }])("a split of several answers: %j", async (more) => {
    const asked = pair().ask(CONTEXT, chat('{"request_type":"context_only"}', more));
    expect((await told(asked)).status).toBe(400);
  });

  it("parameters of today where it is of version 1.0, which tells nothing of itself", async () => {
    const fleet = pair();
    await fleet.admin(CONTEXT, "settings", { version: "1.0" });
    const named = '{"request_type":"context_only","disagg_request_id":7}';
    expect((await told(fleet.ask(CONTEXT, chat(named)))).status).toBe(400);
    expect((await fleet.get(CONTEXT, "/server_info")).status).toBe(404);
    const plain = await told(fleet.ask(CONTEXT, chat('{"request_type":"context_only"}')));
    expect(plain.raw).not.toContain("ctx_info_endpoint");
  });
});

describe("an emulated TensorRT-LLM server", () => {
  it("tells where its transfers are asked for", async () => {
    expect(await (await pair().get(CONTEXT, "/server_info")).json()).toMatchObject({
      disaggregated_params: { ctx_info_endpoint: ["tcp://p/0:5000"] },
      tokens_per_block: 16,
    });
  });

  it("tells of its iterations since it was last asked, and nothing when there were none", async () => {
    const fleet = pair();
    const stats = async () => readTrtllmStats(await (await fleet.get(ALONE, "/metrics")).text());
    expect((await stats()).running).toBeUndefined();
    void fleet.ask(ALONE, chat(undefined, { max_tokens: 1000 }));
    await vi.advanceTimersByTimeAsync(200);
    expect(await stats()).toMatchObject({ running: 1, waiting: 0, blockTokens: 16, blocks: 1000 });
    const page = await (await fleet.get(ALONE, "/prometheus/metrics")).text();
    expect(readLoad(page)).toMatchObject({ running: 1, waiting: 0, blocks: 1000 });
  });

  it("tells cached tokens, even that there are none", async () => {
    const fleet = pair();
    const cached = async () => (await told(fleet.ask(ALONE, chat()))).body.usage;
    expect(await cached()).toMatchObject({ prompt_tokens_details: { cached_tokens: 0 } });
    expect((await cached())?.prompt_tokens_details?.cached_tokens).toBeGreaterThan(900);
  });
});

describe("the KV cache events of an emulated TensorRT-LLM server", () => {
  it("are what its cache came to hold, block after block, told once", async () => {
    const fleet = pair();
    const { body } = await told(fleet.ask(CONTEXT, chat('{"request_type":"context_only"}')));
    const prompt = body.prompt_token_ids ?? [];
    const [changes] = await drained(fleet);
    expect(changes).toMatchObject({ gap: false, removed: [] });
    const blocks = changes?.stored ?? [];
    expect(blocks.length).toBe(Math.floor(prompt.length / 16));
    expect(blocks.flatMap(({ tokens = [] }) => tokens)).toEqual(
      prompt.slice(0, blocks.length * 16),
    );
    expect(blocks.map(({ parent }) => parent)).toEqual([
      undefined,
      ...blocks.slice(0, -1).map(({ hash }) => hash),
    ]);
    expect(await drained(fleet)).toEqual([]);
  });

  it("tell of the blocks that had to go", async () => {
    const fleet = pair();
    await fleet.admin(CONTEXT, "settings", { kvTokens: 1600 });
    const cursors: KvCursor[] = [];
    const removed: string[] = [];
    for (const word of ["one ", "two "]) {
      const messages = [{ role: "user", content: word.repeat(1000) }];
      await told(fleet.ask(CONTEXT, chat(undefined, { messages })));
      const [changes] = await drained(fleet, cursors.splice(0));
      if (changes) cursors.push(changes.cursor);
      removed.push(...(changes?.removed ?? []));
    }
    expect(removed.length).toBeGreaterThan(10);
  });

  it("begin anew with each life of the engine", async () => {
    const fleet = pair();
    await told(fleet.ask(CONTEXT, chat()));
    const [first] = await drained(fleet);
    await fleet.admin(CONTEXT, "restart");
    await told(fleet.ask(CONTEXT, chat()));
    const [second] = await drained(fleet, first ? [first.cursor] : []);
    expect(second).toMatchObject({ gap: true });
    expect(second?.stored.length).toBe(first?.stored.length);
  });

  it.each([
    ["gaps", true],
    ["duplicates", false],
  ])("have %s on demand", async (kvEvents, gap) => {
    const fleet = pair();
    await drained(fleet);
    await told(fleet.ask(CONTEXT, chat()));
    const [first] = await drained(fleet);
    await fleet.admin(CONTEXT, "settings", { kvEvents });
    const messages = [{ role: "user", content: "other ".repeat(500) }];
    for (const max_tokens of [40, 80]) {
      await told(fleet.ask(CONTEXT, chat(undefined, { messages, max_tokens })));
    }
    const raw = await (await fleet.post(CONTEXT, "/kv_cache_events")).text();
    const [second] = readKvEvents(raw, first ? [first.cursor] : []);
    expect(second?.gap).toBe(gap);
    const ids = [...raw.matchAll(/"event_id":(\d+)/g)].map(([, id]) => Number(id));
    expect(ids.includes(first?.cursor.lastId ?? NaN)).toBe(kvEvents === "duplicates");
  });
});

async function drained(fleet: EmulatedFleet, known: readonly KvCursor[] = []) {
  return readKvEvents(await (await fleet.post(CONTEXT, "/kv_cache_events")).text(), known);
}
