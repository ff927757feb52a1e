import type { EngineSide } from "../dialect.ts";

/** `kv_transfer_timeout_ms`: how long either side of a transfer waits, in the engine's own milliseconds. */
export function transferTimeoutMs({ settings }: EngineSide): number {
  return settings().leaseMs ?? DEFAULT_MS;
}

const DEFAULT_MS = 60_000;
