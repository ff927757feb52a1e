import type { BlockLru } from "../block-lru.ts";
import { ByteReader, ByteWriter } from "../bytes.ts";
import { type EngineState, type RegionState, indexCapacity } from "./region-state.ts";

/**
 * The prefix indexes of a region, in parts of about 1 MB. Keys are hashes of what a prompt says, under a secret that
 * outlives every process, so they mean the same to whoever reads them later.
 */
export function packIndexes(state: RegionState, mostBytes = MOST_BYTES): ArrayBuffer[] {
  const engines = [...enginesOf(state)].filter(({ index }) => index.size > 0);
  const links = engines.reduce((sum, { index }) => sum + index.size, 0);
  const writer = new ByteWriter();
  writer.uint32(FORMAT);
  writer.uint32(engines.length);
  // Of each engine the same share is left out, that which would be evicted first.
  const leftOut = Math.max(0, 1 - mostBytes / (links * BYTES_PER_LINK));
  for (const { id, index } of engines) {
    writer.text(id);
    packIndex(writer, index, Math.ceil(index.size * leftOut));
  }
  return writer.parts(PART_BYTES);
}

/** Fills the empty indexes of a ledger with what was packed; false, and they stay empty, where that is damaged. */
export function restoreIndexes(state: RegionState, parts: readonly ArrayBuffer[]): boolean {
  const engines = new Map([...enginesOf(state)].map((engine) => [engine.id, engine]));
  const reader = new ByteReader(parts);
  try {
    if (reader.uint32() !== FORMAT) return false;
    for (let left = reader.uint32(); left > 0; left--) {
      const engine = engines.get(reader.text());
      readIndex(reader, engine?.index);
      engine?.index.shrink(indexCapacity(engine));
    }
    if (reader.isAtEnd) return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  for (const { index } of engines.values()) index.reset();
  return false;
}

/** Another one for every change of what follows, and of how chains are hashed. */
const FORMAT = 0x70_77_00_01;
const PART_BYTES = 1_000_000;
const MOST_BYTES = 32_000_000;
/** At most; those used together share their time. */
const BYTES_PER_LINK = 20;

const IS_FIRST = 1;
const IS_END = 2;
/** The time of its last use follows: it is another than that of the link before. */
const HAS_TIME = 4;
const FLAGS = 8;

function* enginesOf(state: RegionState): Generator<EngineState> {
  for (const { engines } of state.pools.values()) yield* engines;
}

function packIndex(writer: ByteWriter, index: BlockLru, skipped: number): void {
  const evicted = [...index.evicted];
  writer.uint32(evicted.length);
  for (const key of evicted) writer.float64(key);
  writer.uint32(index.size - skipped);
  let last = NaN;
  index.each(({ key, weight, at, isFirst, isEnd }) => {
    const flags = (isFirst ? IS_FIRST : 0) | (isEnd ? IS_END : 0) | (at === last ? 0 : HAS_TIME);
    writer.float64(key);
    writer.uint32(weight * FLAGS + flags);
    if (at !== last) writer.float64(at);
    last = at;
  }, skipped);
}

function readIndex(reader: ByteReader, index: BlockLru | undefined): void {
  for (let left = reader.uint32(); left > 0; left--) {
    const key = reader.float64();
    index?.remember(key);
  }
  let at = NaN;
  for (let left = reader.uint32(); left > 0; left--) {
    const key = reader.float64();
    const word = reader.uint32();
    if (word & HAS_TIME) at = reader.float64();
    const [isFirst, isEnd] = [(word & IS_FIRST) > 0, (word & IS_END) > 0];
    index?.keep({ key, weight: Math.floor(word / FLAGS), at, isFirst, isEnd });
  }
}
