/** Tokens per KV block. */
export const BLOCK_TOKENS = 16;

/** Names a block by everything before it and in it: 16 hex digits. */
export type BlockHash = string;

export const ROOT: BlockHash = "0123456789abcdef";

/** The KV cache of one token sequence: its full blocks by name, and the tokens that do not fill one. */
export type Held = { readonly blocks: readonly BlockHash[]; readonly tail: readonly number[] };

/** Cuts a sequence into hash-chained blocks. */
export function heldOf(tokens: readonly number[]): Held {
  const blocks: BlockHash[] = [];
  let parent = ROOT;
  const full = tokens.length - (tokens.length % BLOCK_TOKENS);
  for (let start = 0; start < full; start += BLOCK_TOKENS) {
    parent = chainHash(parent, tokens, start, start + BLOCK_TOKENS);
    blocks.push(parent);
  }
  return { blocks, tail: tokens.slice(full) };
}

/** `held` with more tokens behind it. */
export function extend(held: Held, tokens: readonly number[]): Held {
  const loose = [...held.tail, ...tokens];
  const blocks = [...held.blocks];
  let parent = blocks.at(-1) ?? ROOT;
  const full = loose.length - (loose.length % BLOCK_TOKENS);
  for (let start = 0; start < full; start += BLOCK_TOKENS) {
    parent = chainHash(parent, loose, start, start + BLOCK_TOKENS);
    blocks.push(parent);
  }
  return { blocks, tail: loose.slice(full) };
}

/** The first `count` tokens of `held`, which is of `tokens` as far as its full blocks do not tell. */
export function beginningOf(held: Held, tokens: readonly number[], count: number): Held {
  const blocks = held.blocks.slice(0, Math.floor(count / BLOCK_TOKENS));
  return { blocks, tail: tokens.slice(blocks.length * BLOCK_TOKENS, count) };
}

/** One hash for all of `held`: what generation is seeded by. */
export function seedOf(held: Held): BlockHash {
  const parent = held.blocks.at(-1) ?? ROOT;
  return held.tail.length === 0 ? parent : chainHash(parent, held.tail, 0, held.tail.length);
}

/** Mixes tokens `[start, end)` into the hash of what precedes them. */
export function chainHash(
  parent: BlockHash,
  tokens: readonly number[],
  start: number,
  end: number,
): BlockHash {
  let high = Number.parseInt(parent.slice(0, 8), 16);
  let low = Number.parseInt(parent.slice(8), 16) ^ (end - start);
  for (let index = start; index < end; index++) {
    const token = tokens[index] ?? 0;
    high = mix(high ^ token, 0x85ebca6b);
    low = mix(low ^ token ^ high, 0xc2b2ae35);
  }
  return hex(mix(high ^ low, 0x27d4eb2f)) + hex(mix(low ^ (high >>> 3), 0x165667b1));
}

function mix(value: number, factor: number): number {
  let mixed = Math.imul(value ^ (value >>> 15), factor);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x9e3779b1);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
