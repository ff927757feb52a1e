import type { KvCursor } from "../../core/grant/kv-events.ts";
import { figure, membersOf, objectsOf, parseJson } from "./json-values.ts";
import { quoteLongIntegers } from "./long-integers.ts";

/** What changed in the cache of one rank since its cursor. Hashes are decimal text, digit for digit as they came. */
export type KvChanges = {
  readonly cursor: KvCursor;
  /** Events are missing between: what else the rank holds is not known any more. */
  readonly gap: boolean;
  /** The engine counts from its beginning again: it held nothing when these began. */
  readonly restarted: boolean;
  readonly stored: readonly StoredBlock[];
  readonly removed: readonly string[];
  /** Blocks held before that are in another level now. */
  readonly moved: readonly { readonly hash: string; readonly level: number }[];
};

export type StoredBlock = {
  readonly hash: string;
  /** Undefined for the first block of a prompt. */
  readonly parent: string | undefined;
  /** Undefined where the block is not of text alone. */
  readonly tokens: readonly number[] | undefined;
  /** 0 for the device's own memory, more for slower ones; undefined where the engine did not say. */
  readonly level: number | undefined;
};

/**
 * Reads what TensorRT-LLM's `POST /kv_cache_events` drained: per rank the changes that are left when all are applied.
 * Events read before are passed over, and ranks without any are left out. A broken answer has lost events: a gap for
 * every rank that is known.
 */
export function readKvEvents(body: string, known: readonly KvCursor[]): readonly KvChanges[] {
  const drained = parseJson(quoteLongIntegers(body));
  if (!Array.isArray(drained)) {
    return known.map((cursor) => ({
      cursor,
      gap: true,
      restarted: false,
      stored: [],
      removed: [],
      moved: [],
    }));
  }
  const ranks = Map.groupBy(objectsOf(drained).flatMap(eventOf), ({ rank }) => rank);
  return [...ranks].map(([rank, events]) =>
    changesOf(events, known.find((cursor) => cursor.rank === rank) ?? { rank, lastId: -1 }),
  );
}

/** Where an engine tells what changed in its cache. It tells it once: who asks has to tell the others. */
export type KvEventSource = {
  /** Below the engine's URL, for a `POST` without a body. */
  readonly path: string;
  read(body: string, known: readonly KvCursor[]): readonly KvChanges[];
};

export const KV_CACHE_EVENTS: KvEventSource = { path: "/kv_cache_events", read: readKvEvents };

type Json = Readonly<Record<string, unknown>>;
type Event = {
  readonly rank: number;
  readonly id: number;
  readonly window: number | undefined;
  readonly data: Json;
};

function eventOf(event: Json): Event[] {
  const id = figure(event["event_id"]);
  if (id === undefined) return [];
  const rank = figure(event["attention_dp_rank"]) ?? 0;
  return [{ rank, id, window: figure(event["window_size"]), data: membersOf(event["data"]) }];
}

function changesOf(events: readonly Event[], cursor: KvCursor): KvChanges {
  const isAnew = countsAnew(events, cursor);
  const since = isAnew ? { rank: cursor.rank, lastId: -1 } : cursor;
  const windowTokens = widest([since.windowTokens, ...events.map(({ window }) => window)]);
  const cache = new CacheChanges();
  let { lastId } = since;
  let gap = isAnew;
  for (const { id, window, data } of events) {
    if (id <= lastId) continue;
    gap ||= id > lastId + 1;
    lastId = id;
    if (window === windowTokens && !cache.apply(data)) gap = true;
  }
  const read = { rank: cursor.rank, lastId, windowTokens };
  return { cursor: read, gap, restarted: isAnew, ...cache.changes() };
}

/** A restarted engine begins with its creation; where that was dropped, its events end before those read already. */
function countsAnew(events: readonly Event[], { lastId }: KvCursor): boolean {
  const ends = events.at(-1)?.id ?? lastId;
  return ends < lastId || events.some(({ id, data }) => data["type"] === "created" && id <= lastId);
}

function widest(windows: readonly (number | undefined)[]): number | undefined {
  return windows.reduce(
    (wide, window) => (wide === undefined || (window ?? 0) > wide ? window : wide),
    undefined,
  );
}

/** What is left of changes that undo one another. */
class CacheChanges {
  readonly #stored = new Map<string, StoredBlock>();
  readonly #removed = new Set<string>();
  readonly #moved = new Map<string, number>();

  /** False when the event names a block that cannot be read. */
  apply(data: Json): boolean {
    if (data["type"] === "stored") return this.#store(data);
    if (data["type"] === "removed") return this.#remove(data["block_hashes"]);
    if (data["type"] === "updated") return this.#move(data);
    return true;
  }

  changes(): Pick<KvChanges, "stored" | "removed" | "moved"> {
    const moved = [...this.#moved].map(([hash, level]) => ({ hash, level }));
    return { stored: [...this.#stored.values()], removed: [...this.#removed], moved };
  }

  #store(data: Json): boolean {
    let parent = hashOf(data["parent_hash"]);
    for (const block of objectsOf(data["blocks"])) {
      const hash = hashOf(block["block_hash"]);
      if (hash === undefined) return false;
      const level = figure(block["cache_level"]);
      this.#removed.delete(hash);
      this.#moved.delete(hash);
      this.#stored.set(hash, { hash, parent, tokens: tokensOf(block["tokens"]), level });
      parent = hash;
    }
    return true;
  }

  #remove(hashes: unknown): boolean {
    for (const told of Array.isArray(hashes) ? hashes : []) {
      const hash = hashOf(told);
      if (hash === undefined) return false;
      this.#stored.delete(hash);
      this.#moved.delete(hash);
      this.#removed.add(hash);
    }
    return true;
  }

  #move(data: Json): boolean {
    const hash = hashOf(data["block_hash"]);
    const level = figure(membersOf(data["cache_level"])["new_value"]);
    if (hash === undefined) return false;
    if (level === undefined) return true;
    const stored = this.#stored.get(hash);
    if (stored === undefined) this.#moved.set(hash, level);
    else this.#stored.set(hash, { ...stored, level });
    return true;
  }
}

function hashOf(value: unknown): string | undefined {
  if (typeof value === "string" && value !== "") return value;
  return Number.isSafeInteger(value) ? String(value) : undefined;
}

/** Ids of text tokens. Others have more to them than their id, such as an image's hash. */
function tokensOf(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const ids = value.map((token: unknown) => {
    const { token_id: id, token_extra_id: extra = 0 } = membersOf(token);
    return extra === 0 ? figure(id) : undefined;
  });
  return ids.every((id) => id !== undefined) ? ids : undefined;
}
