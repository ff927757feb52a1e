/** `kv_transfer_timeout_ms`: how long either side of a transfer waits, in the engine's own milliseconds. */
export const KV_TRANSFER_TIMEOUT_MS = 60_000;
