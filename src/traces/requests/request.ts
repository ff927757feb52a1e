import type { TraceFormat } from "../format.ts";

/** One request of a trace as a replay needs it: how much, when, and which blocks its prompt is made of. */
export type TraceRequest = {
  readonly session: string;
  /** Number of the turn within its session, from 0. */
  readonly turn: number;
  /** Milliseconds after the first request of its session, as traced. */
  readonly offsetMs: number;
  /** Milliseconds between the answer before and this request, where the trace tells; 0 on first turns. */
  readonly thinkMs: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /**
   * Ids of the prompt's leading blocks, empty where the trace tells none. Equal ids mean equal prefixes up to and
   * including the block; ids are whole numbers below 2^53, unique over all traces read.
   */
  readonly blocks: readonly number[];
  /** Prompt tokens in each block; the last one may be filled in part only. */
  readonly blockTokens: number;
};

/** The requests of one session in order of time; traces without sessions have one request in each. */
export type TraceSession = {
  readonly id: string;
  readonly format: TraceFormat;
  /** Milliseconds after the first request of its file; absent where sessions have no common clock. */
  readonly startMs?: number;
  readonly requests: readonly TraceRequest[];
};
