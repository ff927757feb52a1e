import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FleetEngine } from "../../../src/replay/fleet-engine.ts";
import { calibration } from "../../../src/replay/calibrations.ts";
import type { EngineSetup } from "../../../src/replay/fleet-setup.ts";
import { FleetLeg } from "../../../src/replay/leg.ts";
import { SimEngine } from "../../../src/sim/engine.ts";
import { BLOCK_TOKENS, heldOf } from "../../../src/sim/hash.ts";

/** Both engines serve the same prompts; only what they have in common is told apart: when, and what was cached. */
type Ask = { readonly atMs: number; readonly tokens: readonly number[]; readonly outputs: number };
type Fate = { firstTokenAt: number; doneAt: number; cachedTokens: number };

const TRACE_BLOCK = 512;

describe("the replay's engine agrees with the emulator's", () => {
  const asks = slice();

  it("on the trace as it came, ten prompts at once", () => {
    expectAgreement(asks, {});
  });

  it("when prompts and answers are worked on side by side", () => {
    expectAgreement(sped(asks, 0.05), { chunkTokens: 2048 });
  });

  it("when the batch is full", () => {
    expectAgreement(sped(asks, 0.2), { maxBatch: 3 });
  });

  it("when memory is full, and requests wait for others to end", () => {
    const longest = Math.max(...asks.map(({ tokens, outputs }) => tokens.length + outputs));
    const apart = asks.map((ask, n) => ({
      ...ask,
      tokens: ask.tokens.map((one) => one + n * 1e8),
    }));
    expectAgreement(sped(apart, 0.05), { kvTokens: longest + 2000 });
  });

  it("with step times that bend as Dynamo's do", () => {
    expectAgreement(sped(asks, 0.5), { speed: calibration("dynamo-mocker").speed });
  });
});

function expectAgreement(asks: readonly Ask[], other: Partial<EngineSetup>): void {
  const setup = { ...SETUP, ...other };
  const slow = inSim(asks, setup);
  const fast = inReplay(asks, setup);
  expect(fast.map(({ cachedTokens }) => cachedTokens)).toEqual(
    slow.map(({ cachedTokens }) => cachedTokens),
  );
  for (const [index, { firstTokenAt, doneAt }] of slow.entries()) {
    expect(firstTokenAt).toBeGreaterThan(asks[index]?.atMs ?? Infinity);
    expect(fast[index]?.firstTokenAt).toBeCloseTo(firstTokenAt, 3);
    expect(fast[index]?.doneAt).toBeCloseTo(doneAt, 3);
  }
}

const SPEED = calibration("roofline").speed;
const SETUP: EngineSetup = {
  id: "pool/0",
  pool: "pool",
  region: "here",
  model: "llama",
  device: "h200",
  roles: ["prefill", "decode"],
  speed: SPEED,
  kvTokens: 2_000_000,
  kvBytesPerToken: 327_680,
  maxBatch: 64,
  chunkTokens: 8192,
  promptsPerIteration: Infinity,
  decodes: true,
  portBytesPerMs: 1e9,
};

/** The prompts of the first requests of the Mooncake trace: a token is its block's id and its place in it. */
function slice(): Ask[] {
  const path = new URL("../../traces/mooncake/conversation_trace.jsonl", import.meta.url);
  return readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { timestamp, input_length, output_length, hash_ids } = JSON.parse(line) as {
        timestamp: number;
        input_length: number;
        output_length: number;
        hash_ids: number[];
      };
      const tokens = Array.from(
        { length: input_length },
        (_, at) => (hash_ids[Math.floor(at / TRACE_BLOCK)] ?? 0) * TRACE_BLOCK + (at % TRACE_BLOCK),
      );
      return { atMs: timestamp, tokens, outputs: output_length };
    });
}

function sped(asks: readonly Ask[], factor: number): Ask[] {
  return asks.map((ask) => ({ ...ask, atMs: ask.atMs * factor }));
}

function inSim(asks: readonly Ask[], setup: EngineSetup): Fate[] {
  const engine = new SimEngine({
    engineId: setup.id,
    speed: setup.speed,
    kvBytesPerToken: setup.kvBytesPerToken,
    kvTokens: setup.kvTokens,
    tiers: [],
    maxBatch: setup.maxBatch,
    chunkTokens: setup.chunkTokens,
  });
  const fates = asks.map(() => ({ firstTokenAt: -1, doneAt: -1, cachedTokens: -1 }));
  const note = (untilMs: number): void => {
    for (const event of engine.advance(untilMs)) {
      const fate = fates[Number(event.id)];
      if (!fate) continue;
      if (event.kind === "first-token") fate.firstTokenAt = event.at;
      if (event.kind !== "done") continue;
      fate.doneAt = event.at;
      fate.cachedTokens = event.counts.cachedTokens;
    }
  };
  for (const [index, { atMs, tokens, outputs }] of asks.entries()) {
    // Unlike anything else, so that answers are never found in the cache.
    const said = Array.from({ length: outputs }, (_, n) => 1e9 + index * 10_000 + n);
    const output = { pieces: said.map(String), tokens: said, finish: "length" as const };
    engine.submit({ id: String(index), tokens, output: () => output }, atMs);
    note(atMs);
  }
  for (let next = engine.nextEventAt(); next !== undefined; next = engine.nextEventAt()) note(next);
  return fates;
}

function inReplay(asks: readonly Ask[], setup: EngineSetup): Fate[] {
  const fates = asks.map(() => ({ firstTokenAt: -1, doneAt: -1, cachedTokens: -1 }));
  let wake = { atMs: Infinity, stamp: 0 };
  const engine = new FleetEngine(setup, BLOCK_TOKENS, {
    wakeAt: (atMs, stamp) => (wake = { atMs, stamp }),
    fetch: () => expect.unreachable("nothing is pulled here"),
    failed: () => expect.unreachable("nothing fails here"),
    firstToken: ({ request }, atMs) => ((fates[request] as Fate).firstTokenAt = atMs),
    done: ({ request, cachedTokens }, atMs) =>
      Object.assign(fates[request] as Fate, { doneAt: atMs, cachedTokens }),
  });
  const runUntil = (untilMs: number): void => {
    while (wake.atMs <= untilMs) {
      const { atMs, stamp } = wake;
      wake = { atMs: Infinity, stamp };
      engine.iterationOver(stamp, atMs);
    }
  };
  const ids = new Map<string, number>();
  for (const [index, { atMs, tokens, outputs }] of asks.entries()) {
    runUntil(atMs);
    const blocks = heldOf(tokens).blocks.map((hash) => {
      if (!ids.has(hash)) ids.set(hash, ids.size);
      return ids.get(hash) ?? -1;
    });
    engine.submit(legOf(index, tokens.length, outputs, Int32Array.from(blocks)), atMs);
  }
  runUntil(Number.MAX_VALUE);
  return fates;
}

function legOf(request: number, prompt: number, outputs: number, blocks: Int32Array): FleetLeg {
  return new FleetLeg({
    id: request,
    request,
    kind: "both",
    engine: 0,
    promptTokens: prompt,
    outputTokens: outputs,
    blocks,
    costFactor: 1,
    pullFrom: -1,
    pullTokens: 0,
  });
}
