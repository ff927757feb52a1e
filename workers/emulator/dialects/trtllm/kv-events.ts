import { hash64, NO_HASH } from "../../../../src/core/hash64.ts";
import type { BlockChange } from "../../../../src/sim/blocks.ts";
import type { EngineSide } from "../dialect.ts";

/** `event_buffer_max_size`: older events are dropped, which leaves a gap in their numbers. */
const KEPT = 4096;

/** What the cache stored and removed, as numbered events for one reader; it counts from 0 in each life of the engine. */
export class KvEvents {
  readonly #side: EngineSide;
  #kept: string[] = [];
  #told: readonly string[] = [];
  #next = 0;

  constructor(side: EngineSide) {
    this.#side = side;
    const { engine, clock } = side;
    // What another life left is nobody's business.
    engine.takeBlockChanges(clock.now());
    const blocks = `[${engine.load.blocks}]`;
    this.#add(`{"type":"created","num_blocks_per_cache_level":${blocks}}`);
  }

  /** Takes down what has changed. */
  record(): void {
    const { engine, clock } = this.#side;
    const changes = engine.takeBlockChanges(clock.now());
    clock.catchUp();
    for (let at = 0; at < changes.length;) {
      const run = runFrom(changes, at);
      this.#add(run[0]?.kind === "stored" ? stored(run) : removed(run));
      at += run.length;
    }
    this.#kept.splice(0, this.#kept.length - KEPT);
  }

  /** Everything since it was last asked, unless a fault is set: without the first of it, or with what was told before. */
  drain(): Response {
    this.record();
    const { kvEvents } = this.#side.settings();
    const fresh = this.#kept;
    this.#kept = [];
    const told = kvEvents === "gaps" ? fresh.slice(1) : fresh;
    const all = kvEvents === "duplicates" ? [...this.#told, ...told] : told;
    this.#told = told;
    const headers = { "content-type": "application/json" };
    return new Response(`[${all.join(",")}]`, { headers });
  }

  #add(data: string): void {
    const window = this.#side.config.model.contextWindow;
    this.#kept.push(`{"event_id":${this.#next++},"data":${data},"window_size":${window}}`);
  }
}

/** As many changes as one event can tell: blocks that follow one another, or whatever was removed. */
function runFrom(changes: readonly BlockChange[], from: number): readonly BlockChange[] {
  let to = from + 1;
  while (to < changes.length && follows(changes[to - 1], changes[to])) to++;
  return changes.slice(from, to);
}

function follows(before: BlockChange | undefined, change: BlockChange | undefined): boolean {
  if (!before || before.kind !== change?.kind) return false;
  return change.kind === "removed" || change.parent === before.hash;
}

function stored(run: readonly BlockChange[]): string {
  const blocks = run.flatMap((change) => {
    if (change.kind !== "stored") return [];
    const tokens = change.tokens.map((id) => ({
      type: "unique_token",
      token_id: id,
      token_extra_id: 0,
    }));
    const hash = numberOf(change.hash);
    const rest = `"tokens":${JSON.stringify(tokens)},"cache_level":0,"priority":35`;
    return [`{"type":"stored_block","block_hash":${hash},${rest}}`];
  });
  const [first] = run;
  const parent = first?.kind === "stored" && first.parent;
  const parentHash = typeof parent === "string" ? numberOf(parent) : "null";
  return `{"type":"stored","parent_hash":${parentHash},"blocks":[${blocks.join(",")}]}`;
}

function removed(run: readonly BlockChange[]): string {
  return `{"type":"removed","block_hashes":[${run.map(({ hash }) => numberOf(hash)).join(",")}]}`;
}

/** 64 bits as decimal digits. */
function numberOf(name: string): string {
  const { high, low } = hash64(name, NO_HASH);
  return String((BigInt(high) << 32n) + BigInt(low));
}
