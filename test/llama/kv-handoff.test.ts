import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";
import { type Completion, type EngineProcess, EngineProcesses } from "./engine-processes.ts";

const processes = new EngineProcesses();
/** Prefills, decodes, and does both alone. */
let prefiller: EngineProcess;
let decoder: EngineProcess;
let alone: EngineProcess;
/** Between the decoder and whichever engine prefills. */
let wire: TcpProxy;

beforeAll(async () => {
  wire = await TcpProxy.start();
  [prefiller, alone] = [await processes.start("prefiller"), await processes.start("alone")];
  decoder = await processes.start("decoder", "--peer", wire.url, "--peer", prefiller.origin);
  wire.targetPort = portOf(prefiller);
});
afterAll(async () => {
  await wire.stop();
  await processes.stop();
});

describe("an answer whose prompt another process has read", () => {
  it.each(lengths())("is that of a single engine for %i tokens", async (length) => {
    const prompt = promptOf(length);
    const split = await handOff(prefiller, prompt);
    const whole = await alone.complete({ prompt, max_tokens: 40 });
    expect(split.text).toBe(whole.text);
    expect(split.cachedTokens).toBe(length - 1);
    expect(split.kv?.fetched).toMatchObject({ tokens: length - 1, bytes: expect.any(Number) });
  });

  it("is the same after its prefix was pulled, and computes only the rest", async () => {
    const [prefix, prompt] = [promptOf(900), `${promptOf(900)} and so on`];
    await prefiller.complete({ prompt: prefix, max_tokens: 1 });
    const body = { prompt, max_tokens: 40 };
    const from = prefiller.origin;
    const pulled = await decoder.complete({ ...body, kv_transfer_params: { pull: { from } } });
    expect(pulled.kv?.fetched).toMatchObject({ tokens: 900 });
    expect(pulled.cachedTokens).toBe(900);
    expect(pulled.text).toBe((await alone.complete(body)).text);
  });

  it("is the same when the conversation goes on from what was left with its answer", async () => {
    const first = await prefiller.complete({
      prompt: promptOf(300),
      max_tokens: 40,
      kv_transfer_params: { leave: true },
    });
    const body = { prompt: `${promptOf(300)}${first.text} more`, max_tokens: 40 };
    const next = await decoder.complete({ ...body, kv_transfer_params: { fetch: first.kv } });
    expect(next.text).toBe((await alone.complete(body)).text);
    expect(next.cachedTokens).toBeGreaterThanOrEqual(338);
  });
});

describe("a handoff that fails", () => {
  it("is recomputed to the same answer wherever the transfer is cut, and says why", async () => {
    for (const [nth, share] of [0, 0.01, 0.3, 0.6, 0.99].entries()) {
      const prompt = promptOf(1200 + nth);
      const left = await prefill(prefiller, prompt);
      await wire.set({ kind: nth % 2 ? "end" : "reset", afterBytes: share * (left?.bytes ?? 0) });
      await recomputed(prompt, { ...left, from: wire.url }, /broke off|was cut after/);
    }
    await wire.set("none");
  });

  it("is recomputed when the prefill engine was killed, which leaves no file for long", async () => {
    const doomed = await processes.start("doomed");
    wire.targetPort = portOf(doomed);
    const prompt = promptOf(700);
    const left = await prefill(doomed, prompt);
    await doomed.kill("SIGKILL");
    expect(doomed.files()).toHaveLength(1);
    await recomputed(prompt, { ...left, from: wire.url }, /could not be reached or broke off/);
    const next = await processes.start("doomed");
    expect(next.files()).toEqual([]);
    wire.targetPort = portOf(prefiller);
  });

  it("leaves no file and no sequence when the caller leaves in the middle of the transfer", async () => {
    const prompt = promptOf(900);
    const left = await prefill(prefiller, prompt);
    await wire.set({ kind: "stall", afterBytes: (left?.bytes ?? 0) / 2 });
    const gone = new AbortController();
    const kv = { fetch: { ...left, from: wire.url } };
    const asked = decoder.complete({ prompt, kv_transfer_params: kv }, gone.signal);
    await until("half of the state has come", () => decoder.files().length > 0 || undefined);
    gone.abort();
    await expect(asked).rejects.toThrow("abort");
    await until("the file is gone", () => decoder.files().length === 0 || undefined);
    await wire.set("none");
  });

  it("is recomputed when the state is of an engine with another KV cache", async () => {
    const other = await processes.start("other", "--kv-types", "F32");
    const left = await prefill(other, promptOf(50));
    const prompt = promptOf(50);
    await recomputed(prompt, { ...left, from: prefiller.origin }, /another model or build/);
  });

  it("is recomputed for another tenant", async () => {
    const prompt = promptOf(60);
    const left = await prefill(prefiller, prompt, "one");
    await recomputed(prompt, left, /has no such state/, "two");
  });

  it("leaves no sequence busy and no file behind", async () => {
    const { handle } = (await prefill(prefiller, promptOf(20))) ?? {};
    await fetch(`${prefiller.origin}/kv/${handle}`, { method: "DELETE" });
    expect(decoder.files()).toEqual([]);
    expect(await decoder.metric("kv_file_bytes")).toBe(0);
    await until("every sequence is free", async () => {
      const busy = await Promise.all(
        [prefiller, decoder].map((engine) => engine.metric("num_requests_running")),
      );
      return busy.every((count) => count === 0) || undefined;
    });
  });
});

/** Twenty lengths from 10 to 3,000 tokens, among them those next to the size of a batch. */
function lengths(): number[] {
  const spread = Array.from({ length: 14 }, (_, n) => Math.round(10 * 300 ** (n / 13)));
  return [...spread, 511, 512, 513, 514, 1024, 1025];
}

/** Text of so many tokens, the first of which says that it begins; each length has its own. */
function promptOf(length: number): string {
  const random = seededRandom(length);
  const letter = (): string => String.fromCharCode(97 + Math.floor(random() * 26));
  return Array.from({ length: length - 1 }, (_, at) => (at % 7 === 6 ? " " : letter())).join("");
}

async function prefill(
  engine: EngineProcess,
  prompt: string,
  salt = "",
): Promise<Completion["kv"]> {
  const left = await engine.complete({
    prompt,
    max_tokens: 1,
    cache_salt: salt,
    kv_transfer_params: { leave: "prompt" },
  });
  expect(left.text).toBe("");
  return left.kv;
}

async function handOff(from: EngineProcess, prompt: string): Promise<Completion> {
  const left = await prefill(from, prompt);
  return decoder.complete({ prompt, max_tokens: 40, kv_transfer_params: { fetch: left } });
}

async function recomputed(
  prompt: string,
  handle: Completion["kv"],
  why: RegExp,
  salt = "",
): Promise<void> {
  const body = { prompt, max_tokens: 40, cache_salt: salt };
  const answer = await decoder.complete({ ...body, kv_transfer_params: { fetch: handle } });
  expect(answer.kv?.fetched).toEqual({ failed: expect.stringMatching(why) });
  expect(answer.text).toBe((await alone.complete(body)).text);
}

function portOf({ origin }: EngineProcess): number {
  return Number(new URL(origin).port);
}
