/** The requests of a trace, packed: what a replay runs over, many times. Indexed by request, in order of arrival. */
export type Workload = {
  readonly name: string;
  readonly count: number;
  /** Tokens per block of `blocks`. */
  readonly blockTokens: number;
  /** Arrival, virtual ms, ascending; of a later turn, that of its session's first. */
  readonly atMs: Float64Array;
  /** Request that has to end first, then `thinkMs` pass; -1 where the arrival is fixed. */
  readonly after: Int32Array;
  readonly thinkMs: Float64Array;
  readonly promptTokens: Int32Array;
  readonly outputTokens: Int32Array;
  /** Mean output of the trace: what a router may expect who knows no more. */
  readonly expectedOutputTokens: number;
  /** Full blocks of request `i` are `blocks[blockFrom[i]]` up to `blocks[blockFrom[i + 1]]`. */
  readonly blockFrom: Int32Array;
  readonly blocks: Int32Array;
  /** Block ids are below it. */
  readonly blockIds: number;
  /** Share of the trace's own blocks, part-filled ones included, that an infinite cache had seen; null without blocks. */
  readonly ceilingByBlock: number | null;
  /** -1 where a session has one request only. */
  readonly session: Int32Array;
  readonly turn: Int32Array;
  readonly tenant: Int32Array;
  readonly priority: Int32Array;
};

/** The prompt's full blocks of one request. */
export function blocksOf(workload: Workload, request: number): Int32Array {
  return workload.blocks.subarray(workload.blockFrom[request], workload.blockFrom[request + 1]);
}

/** The workload `rate` times as fast. Pauses of people and tools stay as long as they were. */
export function atRate(workload: Workload, rate: number): Workload {
  return { ...workload, atMs: workload.atMs.map((ms) => ms / rate) };
}
