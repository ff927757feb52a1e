import { builtInDevices } from "../config/devices.ts";
import type { DeviceClass, Model } from "../core/fleet.ts";
import { type Speed, speedOf } from "../core/speed.ts";

/** How fast engines are in a replay, and where that comes from. */
export type Calibration = {
  readonly name: string;
  readonly source: string;
  readonly model: Model;
  readonly device: string;
  readonly speed: Speed;
  readonly maxBatch: number;
  readonly chunkTokens: number;
  readonly promptsPerIteration: number;
  readonly decodes: boolean;
  /** Network port of one engine, bytes per ms, and what it takes to begin a transfer. */
  readonly portBytesPerMs: number;
  readonly setupMs: number;
  readonly slo: { readonly ttftMs: number; readonly tpotMs: number };
};

/** The calibration of that name. */
export function calibration(name: string): Calibration {
  const found = calibrations.get(name);
  if (found) return found;
  const names = [...calibrations.keys()].join(", ");
  throw new RangeError(`no calibration is called \`${name}\`; there are ${names}`);
}

const LLAMA_70B: Model = {
  id: "llama-3.3-70b",
  params: 70.6e9,
  activeParams: 70.6e9,
  layers: 80,
  attnDim: 8192,
  weightBytes: 141e9,
  kvBytesPerToken: 327_680,
  contextWindow: 1_048_576,
  aliases: [],
  defaultOutputTokens: 256,
  template: { order: ["tools", "system", "messages"], keepsReasoning: false },
};
const LLAMA_8B: Model = {
  ...LLAMA_70B,
  id: "llama-3.1-8b",
  params: 8.03e9,
  activeParams: 8.03e9,
  layers: 32,
  attnDim: 4096,
  weightBytes: 16.1e9,
  kvBytesPerToken: 131_072,
};

const BATCHED = { maxBatch: 256, chunkTokens: 8192, promptsPerIteration: Infinity, decodes: true };
const INTERACTIVE = { ttftMs: 2000, tpotMs: 50 };
const GB_PER_S = 1e6;

const roofline: Calibration = {
  name: "roofline",
  source: "src/core/speed.ts: Llama-3.3-70B on 4 × H200; transfers at 80 % of 400 Gb/s",
  model: LLAMA_70B,
  device: "h200",
  speed: speedOf({ devices: 4 }, deviceNamed("h200"), LLAMA_70B),
  ...BATCHED,
  portBytesPerMs: 40 * GB_PER_S,
  setupMs: 2,
  slo: INTERACTIVE,
};

const dynamoMocker: Calibration = {
  name: "dynamo-mocker",
  source: "Dynamo lib/mocker perf_model.rs and its defaults: 16,384 blocks of 64 tokens, 64 GB/s",
  model: LLAMA_8B,
  device: "h100",
  speed: dynamoSpeed(16_384 * 64),
  ...BATCHED,
  portBytesPerMs: 64 * GB_PER_S,
  setupMs: 0.5,
  slo: INTERACTIVE,
};

const llmDSim: Calibration = {
  name: "llm-d-sim",
  source: "llm-d-inference-sim, profile 8B on H100: 30 ms + 250 µs a token, ITL 12 ms, load × 2",
  model: LLAMA_8B,
  device: "h100",
  speed: llmDSpeed(),
  ...BATCHED,
  portBytesPerMs: 40 * GB_PER_S,
  setupMs: 2,
  slo: { ttftMs: 10_000, tpotMs: 50 },
};

/** Prefill nodes one prompt at a time; decode has nodes of its own, as in the paper. */
const mooncakeA800: Calibration = {
  name: "mooncake-a800",
  source: "Mooncake FAST'25: 8 × A800, LLaMA3-70B shape, MFU 0.30, 3M tokens of cache, 50 GB/s",
  model: { ...LLAMA_70B, kvBytesPerToken: 327_680 },
  device: "a800",
  speed: mooncakeSpeed(),
  maxBatch: 256,
  chunkTokens: Infinity,
  promptsPerIteration: 1,
  decodes: false,
  portBytesPerMs: 50 * GB_PER_S,
  setupMs: 0,
  slo: { ttftMs: 30_000, tpotMs: 200 },
};

/** Calibrations by name. */
export const calibrations: ReadonlyMap<string, Calibration> = new Map(
  [roofline, dynamoMocker, llmDSim, mooncakeA800].map((one) => [one.name, one]),
);

function deviceNamed(name: string): DeviceClass {
  const device = builtInDevices.get(name);
  if (device === undefined) throw new RangeError(`no device class is called \`${name}\``);
  return device;
}

function dynamoSpeed(kvTokens: number): Speed {
  const { watts, usdPerHour } = deviceNamed("h100");
  return {
    prefillMs(tokens, cached) {
      const fresh = tokens - cached;
      if (fresh <= 0) return 0;
      return 4.209989e-7 * fresh * fresh + 1.518344e-2 * fresh + 16.50142;
    },
    stepMs(_batch, contextTokens) {
      const active = Math.min(1, contextTokens / kvTokens);
      return Math.max(1, -25.74 * active * active + 54.01 * active + 5.74);
    },
    kvTokens,
    watts,
    usdPerMs: usdPerHour / 3_600_000,
  };
}

function llmDSpeed(): Speed {
  const device = deviceNamed("h100");
  const { kvTokens, watts, usdPerMs } = speedOf({ devices: 1 }, device, LLAMA_8B);
  const FACTOR_UNDER_LOAD = 2;
  return {
    prefillMs: (tokens, cached) => (tokens <= cached ? 0 : 30 + 0.25 * (tokens - cached)),
    stepMs: (batch) =>
      12 * (1 + ((FACTOR_UNDER_LOAD - 1) * (batch - 1)) / Math.max(1, BATCHED.maxBatch - 1)),
    kvTokens,
    watts,
    usdPerMs,
  };
}

/** FLOPs of a prefill = l (a n² d + b n d²), a = 4, b = 22, less those of the cached part. */
function mooncakeSpeed(): Speed {
  const { layers: l, attnDim: d } = LLAMA_70B;
  const flopsPerMs = (8 * 312e12 * 0.3) / 1000;
  return {
    prefillMs(tokens, cached) {
      if (tokens <= cached) return 0;
      const attention = 4 * d * (tokens * tokens - cached * cached);
      return (l * (attention + 22 * d * d * (tokens - cached))) / flopsPerMs;
    },
    // Llama-2-70B on 8 × A100 at batch 64, Splitwise's medians.
    stepMs: () => 71.6,
    kvTokens: 3_000_000,
    watts: 8 * 400,
    usdPerMs: (8 * 1.6) / 3_600_000,
  };
}
