/** A 64-bit hash state as two 32-bit lanes; not cryptographic, so chains are salted with a secret. */
export type Hash64 = { readonly high: number; readonly low: number };

/** Hashes `text[from, to)` on top of `seed`. */
export function hash64(text: string, seed: Hash64, from = 0, to = text.length): Hash64 {
  let high = seed.high ^ 0xdeadbeef;
  let low = seed.low ^ 0x41c6ce57;
  for (let at = from; at < to; at += 1) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return { high: high >>> 0, low: low >>> 0 };
}

export const NO_HASH: Hash64 = { high: 0, low: 0 };

/** 16 hex digits. */
export function hashHex({ high, low }: Hash64): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
