import type { Arrival } from "../traces/arrivals/loops.ts";
import { HitCeiling } from "../traces/requests/ceiling.ts";
import { BlockNumbers } from "../traces/requests/number-blocks.ts";
import type { TraceRequest } from "../traces/requests/request.ts";
import type { Workload } from "./workload.ts";

/** Packs arrivals into a workload with blocks of `blockTokens`. */
export async function packArrivals(
  name: string,
  arrivals: AsyncIterable<Arrival> | Iterable<Arrival>,
  blockTokens: number,
): Promise<Workload> {
  const packer = new Packer(blockTokens);
  for await (const { atMs, request, later } of arrivals) {
    let before = packer.add(request, atMs, -1);
    for (const turn of later) before = packer.add(turn, atMs, before);
  }
  return packer.workload(name);
}

/** Columns of numbers that grow. */
const COLUMNS = [
  "atMs",
  "after",
  "thinkMs",
  "promptTokens",
  "outputTokens",
  "blockEnd",
  "session",
  "turn",
] as const;

class Packer {
  readonly #numbers: BlockNumbers;
  readonly #ceiling = new HitCeiling();
  readonly #columns = Object.fromEntries(COLUMNS.map((name) => [name, [] as number[]])) as Record<
    (typeof COLUMNS)[number],
    number[]
  >;
  readonly #sessions = new Map<string, { readonly number: number; requests: number }>();
  #blocks = new Int32Array(4096);
  #blockCount = 0;
  #outputs = 0;
  #hasBlocks = false;

  constructor(blockTokens: number) {
    this.#numbers = new BlockNumbers(blockTokens);
  }

  add(request: TraceRequest, atMs: number, after: number): number {
    this.#ceiling.add(request);
    this.#hasBlocks ||= request.blocks.length > 0;
    this.#append(this.#numbers.of(request));
    this.#outputs += request.outputTokens;
    const columns = this.#columns;
    columns.atMs.push(atMs);
    columns.after.push(after);
    columns.thinkMs.push(request.thinkMs);
    columns.promptTokens.push(request.promptTokens);
    columns.outputTokens.push(request.outputTokens);
    columns.blockEnd.push(this.#blockCount);
    columns.session.push(this.#session(request.session));
    columns.turn.push(request.turn);
    return columns.atMs.length - 1;
  }

  workload(name: string): Workload {
    const { blockEnd, session, ...columns } = this.#columns;
    const count = columns.atMs.length;
    const single = new Set<number>();
    for (const { number, requests } of this.#sessions.values()) {
      if (requests === 1) single.add(number);
    }
    return {
      name,
      count,
      blockTokens: this.#numbers.blockTokens,
      atMs: Float64Array.from(columns.atMs),
      after: Int32Array.from(columns.after),
      thinkMs: Float64Array.from(columns.thinkMs),
      promptTokens: Int32Array.from(columns.promptTokens),
      outputTokens: Int32Array.from(columns.outputTokens),
      expectedOutputTokens: Math.max(1, Math.round(this.#outputs / Math.max(1, count))),
      blockFrom: Int32Array.from([0, ...blockEnd]),
      blocks: this.#blocks.slice(0, this.#blockCount),
      blockIds: this.#numbers.count,
      ceilingByBlock: this.#hasBlocks ? this.#ceiling.byBlock : null,
      session: Int32Array.from(session, (number) => (single.has(number) ? -1 : number)),
      turn: Int32Array.from(columns.turn),
      tenant: new Int32Array(count),
      priority: new Int32Array(count),
    };
  }

  #append(blocks: Int32Array): void {
    const needed = this.#blockCount + blocks.length;
    if (needed > this.#blocks.length) {
      const grown = new Int32Array(Math.max(needed, this.#blocks.length * 2));
      grown.set(this.#blocks.subarray(0, this.#blockCount));
      this.#blocks = grown;
    }
    this.#blocks.set(blocks, this.#blockCount);
    this.#blockCount = needed;
  }

  #session(id: string): number {
    const known = this.#sessions.get(id);
    if (known === undefined) {
      const number = this.#sessions.size;
      this.#sessions.set(id, { number, requests: 1 });
      return number;
    }
    known.requests++;
    return known.number;
  }
}
