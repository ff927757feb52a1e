import { NO_HASH, hash64 } from "../../core/hash64.ts";
import type { Hash64 } from "../../core/hash64.ts";

/** Ids of blocks known by ids of the trace's own, which are compared within one `scope` only. */
export function chainIds(scope: string, ids: readonly (number | string)[]): number[] {
  let parent = hash64(scope, NO_HASH);
  return ids.map((id) => {
    parent = hash64(String(id), parent);
    return numberOf(parent);
  });
}

/** Ids of the full blocks of `blockChars` characters that a prompt with this text is made of, equal within `scope`. */
export function textBlockIds(scope: string, text: string, blockChars: number): number[] {
  const ids: number[] = [];
  let parent = hash64(scope, NO_HASH);
  for (let at = 0; at + blockChars <= text.length; at += blockChars) {
    parent = hash64(text, parent, at, at + blockChars);
    ids.push(numberOf(parent));
  }
  return ids;
}

/** The 53 bits of a hash that a number can hold. */
function numberOf({ high, low }: Hash64): number {
  return (high >>> 11) * 2 ** 32 + low;
}
