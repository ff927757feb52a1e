import type { KvTold } from "../core/grant/kv-events.ts";
import type { KvChanges } from "../engines/load/kv-events.ts";

/** What drained cache events come to for a region; undefined where there were none. */
export function kvTold(changes: readonly KvChanges[]): KvTold | undefined {
  if (changes.length === 0) return undefined;
  const lengths = changes.flatMap(({ stored }) => stored.map(({ tokens }) => tokens?.length ?? 0));
  // Only the last block of a prompt may be cut short.
  const blockTokens = lengths.reduce((most, length) => Math.max(most, length), 0);
  return {
    cursors: changes.map(({ cursor }) => cursor),
    removedBlocks: changes.reduce((sum, { removed }) => sum + removed.length, 0),
    blockTokens: blockTokens > 0 ? blockTokens : undefined,
    gap: changes.some(({ gap }) => gap),
    restarted: changes.some(({ restarted }) => restarted),
  };
}
