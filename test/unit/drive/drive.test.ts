import { afterEach, describe, expect, it } from "vitest";
import { drive } from "../../../src/drive/drive.ts";
import type { DriveReport } from "../../../src/drive/drive.ts";
import type { DriveIo, DriveOptions } from "../../../src/drive/options.ts";
import { textReport } from "../../../src/drive/text-report.ts";
import type { Conversation } from "../../../src/traces/conversation.ts";
import { startFakeOpenAi } from "./fake-openai.ts";
import type { Behaviour, FakeOpenAi } from "./fake-openai.ts";

let server: FakeOpenAi | undefined;
afterEach(async () => server?.close());

describe("driving an endpoint", () => {
  it("sends each turn with the answers to those before, streaming and with a session key", async () => {
    await run({}, { conversations: conversations(1, 3), apiKey: "sk-x" });
    expect(server?.asked.map((a) => [a.session, a.authorization, a.body.stream])).toEqual([
      ["c0", "Bearer sk-x", true],
      ["c0", "Bearer sk-x", true],
      ["c0", "Bearer sk-x", true],
    ]);
    expect(server?.asked[2]?.body.messages.map((m) => m.content)).toEqual([
      "u0",
      "ok 0",
      "u1",
      "ok 1",
      "u2",
    ]);
    expect(server?.asked[0]?.body).toMatchObject({
      stream_options: { include_usage: true },
      max_tokens: 3,
      model: "m",
    });
  });

  it("sends no session key when told so", async () => {
    await run({}, { noSessionKey: true });
    expect(server?.asked[0]?.session).toBeUndefined();
  });

  it("measures under the field names of vLLM", async () => {
    let clock = 0;
    const report = await run({}, { conversations: conversations(1, 1) }, () => (clock += 1));
    expect(report).toMatchObject({
      completed: 1,
      failed: 0,
      total_input_tokens: 100,
      total_output_tokens: 3,
    });
    const { mean_ttft_ms: ttft, p99_e2el_ms: e2el, mean_tpot_ms: tpot, p50_itl_ms: itl } = report;
    expect([ttft, itl]).toEqual([2, 1]);
    expect(tpot).toBe((Number(e2el) - Number(ttft)) / 2);
  });

  it("tells hit rate, ceiling, modes, engines and sessions", async () => {
    const report = await run({}, { conversations: conversations(2, 2) });
    expect(report).toMatchObject({
      hit_rate: 0.6,
      hit_rate_usage: 0.6,
      modes: { together: 4 },
      engines: { "pool/0": 4 },
    });
    expect(report).toMatchObject({
      sessions: 1,
      receipts: 4,
      receipts_missing: 0,
      conversations: 2,
      ok: true,
    });
    expect(report.hit_rate_ceiling).toBeGreaterThan(0.3);
    expect(report.hit_rate_ceiling_with_answers).toBeGreaterThan(report.hit_rate_ceiling ?? 1);
  });

  it("counts errors by code and leaves the conversation whose turn failed", async () => {
    const failures = new Map([[1, { status: 503, code: "no_capacity" }]]);
    const report = await run(
      { fail: (n) => failures.get(n), cut: (n) => n === 2 },
      { conversations: conversations(2, 3), concurrency: 1 },
    );
    expect(report).toMatchObject({
      errors: { no_capacity: 1, cut_short: 1 },
      failed_before_content: 1,
      abandoned_turns: 3,
      ok: false,
    });
  });

  it("sends no more requests than the limit", async () => {
    await run({}, { conversations: conversations(5, 3), limit: 4, concurrency: 3 });
    expect(server?.asked).toHaveLength(4);
  });

  it("counts an endpoint that is not there as an error", async () => {
    const gone = await startFakeOpenAi();
    await gone.close();
    const report = await run({}, { baseUrl: gone.baseUrl });
    expect(report).toMatchObject({ completed: 0, errors: { ECONNREFUSED: 1 }, ok: false });
  });

  it("says that figures of nothing are unknown", async () => {
    const report = await run({ fail: () => ({ status: 503, code: "no_capacity" }) }, {});
    for (const name of ["ttft", "tpot", "itl", "e2el"]) {
      for (const kind of ["mean", "median", "p50", "p90", "p99"]) {
        expect(JSON.parse(JSON.stringify(report))).toHaveProperty(`${kind}_${name}_ms`, null);
      }
    }
    expect(report).toMatchObject({ hit_rate_ceiling: null, hit_rate_ceiling_with_answers: null });
    const text = textReport(report);
    expect(text).not.toContain("NaN");
    expect(text).toMatch(/ttft ms +mean unknown, p50 unknown, p90 unknown, p99 unknown/);
    expect(text).toContain("ceiling unknown (unknown with answers)");
  });

  it("waits for receipts that come late, and says when one never comes", async () => {
    expect(await run({ receiptMisses: 3 }, {})).toMatchObject({ receipts: 1, receipts_missing: 0 });
    await server?.close();
    expect(await run({ receiptMisses: 1e9 }, { reconcile: true })).toMatchObject({
      receipts_missing: 1,
      ok: false,
    });
  });

  it("reconciles receipts with the ledger the endpoint points to", async () => {
    const report = await run({}, { reconcile: true, conversations: conversations(2, 2) });
    expect(report).toMatchObject({ ok: true, hit_rate_ledger: 0.6, reconcile: { ok: true } });
    expect(report.reconcile?.engines[0]).toMatchObject({
      engine: "pool/0",
      legs: { receipts: 4, ledger: 4 },
    });
  });

  it("compares the ledgers with one cache as large as all engines of the model", async () => {
    const blocksOf: DriveIo["blocksOf"] = (messages) => ({
      hashes: messages.map(({ content }) => content),
      tokens: messages.length * 16 + 4,
    });
    const report = await run(
      {},
      { reconcile: true, conversations: conversations(1, 3) },
      undefined,
      {
        blocksOf,
      },
    );
    // Prompts of 1, 3 and 5 messages of which 0, 1 and 3 were there before.
    const pooled = (16 + 3 * 16) / (20 + 52 + 84);
    expect(report.pooled_lru).toMatchObject({ engines: 2, tokens: 320, engines_used: 1 });
    expect(report.pooled_lru?.hit_rate).toBeCloseTo(pooled);
    expect(report.pooled_lru?.reached).toBeCloseTo(0.6 / pooled);
    expect(report).toMatchObject({ prefilled_away_share: 0 });
    expect(report.loads).toEqual({
      pool: {
        engines: 2,
        requests: 3,
        counted: true,
        requests_max_over_mean: 2,
        tokens_max_over_mean: 2,
      },
    });
    expect(textReport(report)).toContain("max/mean of requests 2.00");
  });

  it("sets faults off by seed, asks failed turns again and clears up behind itself", async () => {
    const failing = { fail: (n: number) => (n === 20 ? { status: 500, code: "x" } : undefined) };
    const report = await run(failing, { faults: 4, conversations: conversations(12, 4) });
    expect(report).toMatchObject({ ok: true, retried: 1, completed: 48, failed: 1 });
    const struck = server?.struck ?? [];
    expect(Object.values(report.faults ?? {}).reduce((sum, count) => sum + count, 0)).toBe(6);
    expect(struck).toHaveLength(7);
    expect(struck.at(-1)).toBe("pool/0 faults");
    await server?.close();
    const again = await run(failing, { faults: 4, conversations: conversations(12, 4) });
    expect(again.faults).toEqual(report.faults);
  });

  it("fails when the ledger says otherwise", async () => {
    const report = await run(
      { ledger: (n) => (n === 0 ? { computedTokens: 41 } : {}) },
      { reconcile: true },
    );
    expect(report.ok).toBe(false);
    expect(report.reconcile?.engines[0]?.examples[0]).toBe(
      "req-0 both: computedTokens 40, the ledger 41",
    );
  });
});

/** Runs against a fake server; the clock moves by itself while sleeping. */
async function run(
  behave: Behaviour,
  options: Partial<DriveOptions>,
  now?: () => number,
  io: Partial<DriveIo> = {},
): Promise<DriveReport> {
  server = await startFakeOpenAi(behave);
  let slept = 0;
  const defaults = {
    baseUrl: server.baseUrl,
    model: "m",
    apiKey: "k",
    concurrency: 2,
    conversations: conversations(1, 1),
  };
  const sleep = async (ms: number): Promise<void> => {
    slept += ms;
  };
  return drive(
    { ...defaults, ...options },
    { fetch, sleep, now: now ?? (() => performance.now() + slept), ...io },
  );
}

async function* conversations(count: number, turns: number): AsyncGenerator<Conversation> {
  for (let c = 0; c < count; c += 1) {
    yield {
      id: `c${c}`,
      contextTokens: 10,
      turns: Array.from({ length: turns }, (_, turn) => ({
        maxTokens: 3,
        messages: (answers: readonly string[]) => [
          ...answers.slice(0, turn).flatMap((content, i) => [
            { role: "user" as const, content: `u${i}` },
            { role: "assistant" as const, content },
          ]),
          { role: "user" as const, content: `u${turn}` },
        ],
      })),
    };
  }
}
