import type { ArrivalKind } from "../../../src/replay/campaign/cells.ts";
import type { Workload } from "../../../src/replay/workload.ts";
import { readSessions } from "../../../src/traces/requests/read.ts";
import { readTraceWorkload } from "../replay/read-workload.ts";
import { traceFiles } from "../trace-files.ts";

const SPREAD_MS = 3000;
const TRACES = /\.(jsonl?|csv)$/;
/** Traces that tell no times: the rate of sessions before it is brought to the load. */
const SESSIONS_PER_S = 1;
const MOST_REPEATS = 250;
/** Blocks of a mean prompt, and tokens of a block, at most. */
const MOST_BLOCKS = 300;
const MOST_BLOCK_TOKENS = 512;

/** How sessions without times are brought to a load that lasts. */
export type UntimedSessions = {
  /** They come again, as other conversations of the same shape, up to about so many requests. */
  readonly requests: number;
  /** Pauses between turns are cut to this, so that sessions do not outlast the campaign's load. */
  readonly mostPauseMs: number;
};

/** The arrivals worth comparing: spreading changes nothing where no two sessions come at once. */
export async function arrivalKindsOf(trace: string): Promise<ArrivalKind[]> {
  let before: number | undefined;
  let isTied = false;
  for await (const { startMs } of readSessions(traceFiles([trace], TRACES))) {
    if (startMs === undefined) return ["chance"];
    isTied ||= startMs === before;
    before = startMs;
  }
  return isTied ? ["traced", "spread"] : ["traced"];
}

/** A campaign's workload of a trace, at the trace's own rate. */
export async function workloadOf(
  trace: string,
  arrivals: ArrivalKind,
  { requests, mostPauseMs }: UntimedSessions,
): Promise<Workload> {
  const read = (more: { readonly repeat?: number; readonly blockTokens?: number }) =>
    readTraceWorkload(
      {
        trace: [trace],
        ...(arrivals === "spread" && { spreadMs: SPREAD_MS }),
        ...(arrivals === "chance" && { sessionsPerS: SESSIONS_PER_S }),
        ...more,
      },
      () => {},
    );
  const once = await read({});
  const blockTokens = coarser(once);
  if (arrivals !== "chance") return blockTokens === once.blockTokens ? once : read({ blockTokens });
  const repeat = Math.min(MOST_REPEATS, Math.ceil(requests / Math.max(1, once.count)));
  const workload = await read({ repeat, blockTokens });
  return { ...workload, thinkMs: workload.thinkMs.map((ms) => Math.min(ms, mostPauseMs)) };
}

/** Blocks as large as keep the mean prompt in hundreds of them: a run takes less, and hit rates hardly change. */
function coarser({ blockTokens, blocks, count }: Workload): number {
  const times = blocks.length / Math.max(1, count) / MOST_BLOCKS;
  return Math.min(MOST_BLOCK_TOKENS, blockTokens * 2 ** Math.max(0, Math.ceil(Math.log2(times))));
}
