import type { DeviceClass, Link, Model, Pool } from "./fleet.ts";

/**
 * How fast an engine of a pool is, from its device class and its model's shape: milliseconds, for one engine of
 * `devices` devices. Roofline formulas; the decode constants are fitted to HBM GPUs (inference-sim, "trained physics").
 */
export type Speed = {
  /**
   * Prefill of the tokens `[cached, tokens)` of one prompt. Attention is causal. Of several prompts at once, which do not
   * attend to one another, `longest` is the longest.
   */
  prefillMs(tokens: number, cached: number, longest?: number): number;
  /** One decode step of `batch` requests whose contexts sum to `contextTokens`. */
  stepMs(batch: number, contextTokens: number): number;
  /** Tokens of KV cache that fit the fastest memory tier beside the weights. */
  readonly kvTokens: number;
  readonly watts: number;
  readonly usdPerMs: number;
};

const PREFILL_SETUP_MS = 10;
const STEP_BASE_MS = 0.126;
const STEP_PER_LAYER_MS = 0.0321;
const STEP_PER_REQUEST_MS = 0.0044;
const WEIGHT_FACTOR = 1.36;
const KV_FACTOR = 1.95;
/** Memory kept for activations, fraction of the tier. */
const RESERVE = 0.1;
/** Share of a link's nominal bandwidth that a transfer reaches. */
const LINK_EFFICIENCY = 0.8;

export function speedOf(
  pool: Pick<Pool, "devices" | "kvTokens">,
  device: DeviceClass,
  model: Model,
): Speed {
  const memory = device.memory[0];
  if (memory === undefined)
    throw new TypeError(`device class \`${device.name}\` has no memory tier`);
  const flopsPerMs = (device.flops * device.mfu * pool.devices) / 1000;
  const bytesPerMs = (memory.bytesPerS * pool.devices) / 1000;
  const linear = 2 * model.activeParams;
  const quadratic = 2 * model.layers * model.attnDim;
  const fits = memory.bytes * pool.devices * (1 - RESERVE) - model.weightBytes;
  return {
    prefillMs(tokens, cached, longest = tokens) {
      if (tokens <= cached) return 0;
      const attended =
        longest < tokens ? (tokens - cached) * longest : tokens * tokens - cached * cached;
      const work = linear * (tokens - cached) + quadratic * attended;
      return PREFILL_SETUP_MS + work / flopsPerMs;
    },
    stepMs(batch, contextTokens) {
      if (device.constantStep) {
        return (
          device.constantStep.baseMs + (device.constantStep.msPerBillion * model.activeParams) / 1e9
        );
      }
      return (
        STEP_BASE_MS +
        STEP_PER_LAYER_MS * model.layers +
        (WEIGHT_FACTOR * model.weightBytes) / bytesPerMs +
        (KV_FACTOR * contextTokens * model.kvBytesPerToken) / bytesPerMs +
        STEP_PER_REQUEST_MS * batch
      );
    },
    kvTokens: pool.kvTokens ?? Math.max(0, Math.floor(fits / model.kvBytesPerToken)),
    watts: device.watts * pool.devices,
    usdPerMs: (device.usdPerHour * pool.devices) / 3_600_000,
  };
}

/** Time to move `bytes` over a link when `flows` transfers share it. */
export function transferMs(
  link: Pick<Link, "gbps" | "perFlowGbps" | "rttMs">,
  bytes: number,
  flows = 1,
): number {
  const gbps = Math.min(link.perFlowGbps, link.gbps / flows);
  return link.rttMs + bytes / ((gbps * LINK_EFFICIENCY * 1e9) / 8 / 1000);
}
