/**
 * How many of the first `limit` blocks are held, found by halving: whoever holds a block holds those before it. Most
 * caches hold nothing of a prompt, so its first block is looked for first.
 */
export function heldPrefix(
  table: { has(block: number): boolean },
  blocks: Int32Array,
  limit: number,
): number {
  let missing = Math.min(limit, blocks.length);
  if (missing <= 0 || !table.has(blocks[0] as number)) return 0;
  let held = 1;
  while (held < missing) {
    const middle = (held + missing) >> 1;
    if (table.has(blocks[middle] as number)) held = middle + 1;
    else missing = middle;
  }
  return held;
}
