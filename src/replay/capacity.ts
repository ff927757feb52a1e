import type { FleetSetup } from "./fleet-setup.ts";
import type { Workload } from "./workload.ts";

/**
 * How many times faster a workload could come before a fleet with one infinite shared cache was busy all the time:
 * the rate at which load 1 begins. Decode counts as its part of a batch as large as the KV cache allows.
 */
export function capacityRate(
  workload: Workload,
  fleet: FleetSetup,
  cachedTokens: Int32Array,
): number {
  const { count, promptTokens, outputTokens, atMs } = workload;
  const spanMs = Math.max(1, (atMs[count - 1] ?? 0) - (atMs[0] ?? 0));
  const contextTokens = meanContext(workload);
  let perMs = 0;
  for (const { speed, decodes, maxBatch, kvTokens } of fleet.engines) {
    const batch = Math.max(1, Math.min(maxBatch, Math.floor(kvTokens / contextTokens)));
    const tokenMs = decodes ? speed.stepMs(batch, batch * contextTokens) / batch : 0;
    let workMs = 0;
    for (let i = 0; i < count; i++) {
      workMs += speed.prefillMs(promptTokens[i] as number, cachedTokens[i] as number);
      workMs += ((outputTokens[i] as number) - 1) * tokenMs;
    }
    perMs += 1 / Math.max(workMs, Number.MIN_VALUE);
  }
  return perMs * spanMs;
}

function meanContext({ count, promptTokens, outputTokens }: Workload): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += (promptTokens[i] as number) + (outputTokens[i] as number) / 2;
  }
  return Math.max(1, sum / Math.max(1, count));
}
