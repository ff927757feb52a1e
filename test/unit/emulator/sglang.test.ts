import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { transferMs } from "../../../src/core/speed.ts";
import { chat, DECODE, meeting, pair, PREFILL, textOf, UNIFIED, whole } from "./sglang-fixtures.ts";

const ROOM = "9223372036854775807";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("two emulated SGLang engines that meet in a room", () => {
  it.each([
    [PREFILL, DECODE],
    [DECODE, PREFILL],
  ])("answer what one alone would, whoever comes first (%s)", async (first, second) => {
    const fleet = pair();
    const alone = await whole(fleet.ask(UNIFIED, chat()));
    const early = fleet.ask(first, meeting(ROOM));
    await vi.advanceTimersByTimeAsync(20_000);
    const late = fleet.ask(second, meeting(ROOM));
    const [a, b] = await Promise.all([whole(early), whole(late)]);
    const [prefill, decode] = first === PREFILL ? [a, b] : [b, a];
    expect(textOf(decode)).toBe(textOf(alone));
    expect(textOf(alone)?.startsWith(textOf(prefill) ?? "none")).toBe(true);
    expect(prefill.body.usage).toMatchObject({ completion_tokens: 1 });
  });

  it("compute the prompt once, and keep nothing when both are done", async () => {
    const fleet = pair();
    await Promise.all([PREFILL, DECODE].map((name) => whole(fleet.ask(name, meeting("7")))));
    const [prefill, decode] = await Promise.all([fleet.ledger(PREFILL), fleet.ledger(DECODE)]);
    const { promptTokens } = prefill.entries[0] ?? { promptTokens: 0 };
    expect(prefill).toMatchObject({ open: 0, blocksHeld: 0, leasedBlocks: 0 });
    expect(decode).toMatchObject({ open: 0, blocksHeld: 0 });
    expect(prefill.entries).toMatchObject([
      { leg: "prefill", computedTokens: promptTokens, outputTokens: 1, status: "done" },
    ]);
    expect(decode.entries).toMatchObject([
      { leg: "decode", computedTokens: 0, pulledTokens: promptTokens, outputTokens: 8 },
    ]);
  });

  it("say the first token after the time that prefill and transfer take, not before", async () => {
    const fleet = pair();
    const { promptTokens } = await promptOf(fleet);
    void fleet.ask(PREFILL, meeting("7"));
    const body = meeting("7", { stream: true });
    const said = vi.fn();
    void fleet.ask(DECODE, body).then(said);
    const transfer = transferMs({ gbps: 8, perFlowGbps: 8, rttMs: 0 }, promptTokens * 10_000);
    const firstTokenMs = 10 + promptTokens / 10 + transfer;
    await vi.advanceTimersByTimeAsync(firstTokenMs - 1);
    expect(said).not.toHaveBeenCalled();
    // Each of a few waits ends at a whole millisecond.
    await vi.advanceTimersByTimeAsync(1 + 5);
    expect(said).toHaveBeenCalledOnce();
  });

  it("answer for prefill only when decode has the blocks", async () => {
    const fleet = pair();
    await fleet.admin(DECODE, "settings", { linkGbps: 0.008 });
    const answered = vi.fn();
    void fleet.ask(PREFILL, meeting("7")).then(answered);
    void fleet.ask(DECODE, meeting("7"));
    await vi.advanceTimersByTimeAsync(5000);
    expect(answered).not.toHaveBeenCalled();
    expect((await fleet.ledger(PREFILL)).leasedBlocks).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(answered).toHaveBeenCalledOnce();
  });

  it("give another text for a prompt that was not prefilled there", async () => {
    const fleet = pair();
    const other = chat().messages as { content: string }[];
    const content = other[0]?.content.replaceAll("said", "told");
    const messages = [{ role: "user", content }];
    void fleet.ask(PREFILL, meeting("7", { messages }));
    const decode = await whole(fleet.ask(DECODE, meeting("7")));
    expect(decode.status).toBe(200);
    expect(textOf(decode)).not.toBe(textOf(await whole(fleet.ask(UNIFIED, chat()))));
  });

  it("do not begin prefill before decode has room for it", async () => {
    const fleet = pair({ d: { kvTokens: 1200 } });
    void fleet.ask(PREFILL, meeting("1"));
    const first = fleet.ask(DECODE, meeting("1", { max_tokens: 100 }));
    await vi.advanceTimersByTimeAsync(200);
    const second = fleet.ask(PREFILL, meeting("2"));
    const decode = fleet.ask(DECODE, meeting("2"));
    await vi.advanceTimersByTimeAsync(200);
    expect((await fleet.ledger(PREFILL)).entries).toMatchObject([
      { status: "done" },
      { status: "running", computedTokens: 0 },
    ]);
    const answers = await Promise.all([whole(first), whole(second), whole(decode)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it("take a room for each answer of one request", async () => {
    const fleet = pair();
    void fleet.ask(PREFILL, meeting("[5,9]", { n: 2 }));
    const decode = await whole(fleet.ask(DECODE, meeting("[5,9]", { n: 2 })));
    void fleet.ask(PREFILL, meeting("5", { n: 2 }));
    const counted = await whole(fleet.ask(DECODE, meeting("[5,6]", { n: 2 })));
    expect([decode, counted].map(({ body }) => body.choices.length)).toEqual([2, 2]);
  });

  it("stream the answer of prefill too, at its end", async () => {
    const fleet = pair();
    const prefill = fleet.ask(PREFILL, meeting("7", { stream: true }));
    const decode = fleet.ask(DECODE, meeting("7", { stream: true }));
    await vi.advanceTimersByTimeAsync(1000);
    expect(await (await prefill).text()).toMatch(/"finish_reason":"length".*\[DONE\]/s);
    expect((await (await decode).text()).match(/"content":"[^"]+"/g)).toHaveLength(8);
  });
});

describe("an emulated SGLang engine", () => {
  it.each([PREFILL, DECODE])("of one role refuses a request without a room (%s)", async (name) => {
    const refused = await whole(pair().ask(name, chat()));
    expect(refused.status).toBe(400);
    expect(refused.body.message).toContain("without bootstrap room id");
  });

  it.each(["-1", "1.5", "9223372036854775808", '"7"', "[1,2]", "true"])(
    "refuses the room %s",
    async (room) => {
      expect((await whole(pair().ask(PREFILL, meeting(room)))).status).toBe(400);
    },
  );

  it("tells no cached tokens unless started to, and then prefill's", async () => {
    const fleet = pair();
    const ask = (room: string) => [
      fleet.ask(PREFILL, meeting(room)),
      fleet.ask(DECODE, meeting(room)),
    ];
    const [, silent] = await Promise.all(ask("1").map((answering) => whole(answering)));
    expect(silent?.body.usage).not.toHaveProperty("prompt_tokens_details");
    for (const name of [PREFILL, DECODE]) {
      await fleet.admin(name, "settings", { usageDetails: true });
    }
    const told = await Promise.all(ask("2").map((answering) => whole(answering)));
    const [prefill] = (await fleet.ledger(PREFILL)).entries.slice(-1);
    const details = { cached_tokens: prefill?.cachedTokens };
    expect(prefill?.cachedTokens).toBeGreaterThan(900);
    expect(told.map(({ body }) => body.usage["prompt_tokens_details"])).toEqual([details, details]);
  });

  it("counts cached tokens twice where decode keeps prefixes too", async () => {
    const fleet = pair();
    for (const name of [PREFILL, DECODE]) {
      await fleet.admin(name, "settings", { usageDetails: true, keepsDecodePrefix: true });
    }
    let decode: Awaited<ReturnType<typeof whole>> | undefined;
    for (const room of ["1", "2"]) {
      void fleet.ask(PREFILL, meeting(room));
      decode = await whole(fleet.ask(DECODE, meeting(room)));
    }
    const usage = decode?.body.usage as { prompt_tokens: number; prompt_tokens_details: object };
    const [{ cachedTokens } = { cachedTokens: 0 }] = (await fleet.ledger(PREFILL)).entries.slice(
      -1,
    );
    expect(usage.prompt_tokens_details).toEqual({ cached_tokens: 2 * cachedTokens });
    expect(2 * cachedTokens).toBeGreaterThan(usage.prompt_tokens);
  });

  it("keeps a prefix cache for each rank, which the room names", async () => {
    const fleet = pair({ p: { more: { dpSize: 2 } } });
    for (const room of ["2", "3", "9007199254740994"]) {
      void fleet.ask(PREFILL, meeting(room));
      await whole(fleet.ask(DECODE, meeting(room)));
    }
    const cached = (await fleet.ledger(PREFILL)).entries.map(({ cachedTokens }) => cachedTokens);
    expect(cached).toEqual([0, 0, expect.any(Number)]);
    expect(cached[2]).toBeGreaterThan(900);
  });

  it("shows its load as SGLang does", async () => {
    const fleet = pair();
    expect(await (await fleet.get(DECODE, "/metrics")).text()).toContain("sglang:num_queue_reqs");
    expect(await (await fleet.get(DECODE, "/v1/loads")).json()).toMatchObject({
      loads: [{ dp_rank: 0, num_running_reqs: 0 }],
    });
  });
});

async function promptOf(fleet: ReturnType<typeof pair>): Promise<{ promptTokens: number }> {
  await whole(fleet.ask(UNIFIED, chat()));
  const [entry] = (await fleet.ledger(UNIFIED)).entries;
  return { promptTokens: entry?.promptTokens ?? 0 };
}
