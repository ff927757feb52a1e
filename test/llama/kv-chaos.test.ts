import { afterAll, beforeAll, expect, it } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";
import { type EngineProcess, EngineProcesses } from "./engine-processes.ts";

const rounds = Number(process.env.CHAOS_ROUNDS ?? 10);
const processes = new EngineProcesses();
const random = seededRandom(5);
let wire: TcpProxy;
let prefiller: EngineProcess;
let decoder: EngineProcess;
let alone: EngineProcess;

beforeAll(async () => {
  wire = await TcpProxy.start();
  alone = await processes.start("alone");
  await startPrefiller();
  await startDecoder();
});
afterAll(async () => {
  await wire.stop();
  await processes.stop();
});

it(
  "answers rightly or fails cleanly, and leaks nothing, when engines are killed and transfers cut",
  async () => {
    const troubles = [cutTransfer, killPrefiller, cutTransfer, killDecoder, noTrouble];
    for (let round = 0; round < rounds; round += 1) {
      await troubles[round % troubles.length]?.(promptOf(200 + Math.floor(random() * 1500)));
      await wire.set("none");
      expect(decoder.files()).toEqual([]);
    }
    for (const engine of [prefiller, decoder]) {
      expect(await engine.metric("num_requests_running")).toBe(0);
      expect(engine.files()).toHaveLength(await engine.metric("kv_handles"));
    }
  },
  15_000 + rounds * 6_000,
);

async function noTrouble(prompt: string): Promise<void> {
  expect(await answer(prompt, await leave(prompt))).toMatchObject({ tokens: prompt.length });
}

async function cutTransfer(prompt: string): Promise<void> {
  const left = await leave(prompt);
  const kind = random() < 0.5 ? "reset" : "end";
  await wire.set({ kind, afterBytes: random() * left.bytes });
  expect(await answer(prompt, left)).toEqual({ failed: expect.any(String) });
}

async function killPrefiller(prompt: string): Promise<void> {
  const left = await leave(prompt);
  await wire.set({ kind: "stall", afterBytes: random() * left.bytes });
  const answered = answer(prompt, left);
  await until("the transfer has begun", () => wire.met > 0 || undefined);
  await prefiller.kill("SIGKILL");
  expect(await answered).toEqual({ failed: expect.stringContaining("broke off") });
  await startPrefiller();
}

async function killDecoder(prompt: string): Promise<void> {
  const left = await leave(prompt);
  await wire.set({ kind: "stall", afterBytes: (left.bytes * (1 + random())) / 2 });
  const answered = expect(answer(prompt, left)).rejects.toThrow("fetch failed");
  await until("a part has come", () => decoder.files().length > 0 || undefined);
  await decoder.kill("SIGKILL");
  await answered;
  await startDecoder();
}

type Left = { readonly bytes: number };

async function leave(prompt: string): Promise<Left> {
  const { kv } = await prefiller.complete({
    prompt,
    max_tokens: 1,
    kv_transfer_params: { leave: "prompt" },
  });
  return { ...kv, bytes: kv?.bytes ?? 0 };
}

/** What the decoder says of the transfer, once its text is seen to be right. */
async function answer(prompt: string, left: Left): Promise<unknown> {
  const fetch = { ...left, from: wire.url };
  const body = { prompt, max_tokens: 20 };
  const { text, kv } = await decoder.complete({ ...body, kv_transfer_params: { fetch } });
  expect(text).toBe((await alone.complete(body)).text);
  return kv?.fetched;
}

async function startPrefiller(): Promise<void> {
  prefiller = await processes.start("prefiller");
  wire.targetPort = Number(new URL(prefiller.origin).port);
}

async function startDecoder(): Promise<void> {
  decoder = await processes.start("decoder", "--peer", wire.url);
}

function promptOf(length: number): string {
  return Array.from({ length }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join("");
}
