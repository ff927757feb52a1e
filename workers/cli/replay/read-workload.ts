import { seededRandom } from "../../../src/core/random.ts";
import { packArrivals } from "../../../src/replay/pack.ts";
import { repeated } from "../../../src/replay/repeated.ts";
import type { Workload } from "../../../src/replay/workload.ts";
import { arrivals } from "../../../src/traces/arrivals/arrivals.ts";
import type { TraceProblem } from "../../../src/traces/conversation.ts";
import { readSessions } from "../../../src/traces/requests/read.ts";
import { traceFiles } from "../trace-files.ts";

export type WorkloadFlags = {
  readonly trace: readonly string[];
  readonly spreadMs?: number | undefined;
  /** Sessions come by chance at this rate. */
  readonly sessionsPerS?: number | undefined;
  /** Only those of traces that tell no times do. */
  readonly onlyUntimed?: boolean | undefined;
  readonly repeat?: number | undefined;
  readonly blockTokens?: number | undefined;
};

/** Sizes of cache blocks to replay with, in tokens: the traces' own smallest, this at most. */
const MOST_BLOCK_TOKENS = 512;
const TRACES = /\.(jsonl?|csv)$/;
/** Sessions come at the same times whatever the seed of a run. */
const SEED = 1;

/** The workload of some trace files and folders; sessions come when traced, or by chance at a rate. */
export async function readTraceWorkload(
  flags: WorkloadFlags,
  onProblem: (problem: TraceProblem) => void,
): Promise<Workload> {
  const files = traceFiles(flags.trace, TRACES);
  const first = await firstSessions(files);
  const isTimed = first.every(({ startMs }) => startMs !== undefined);
  const { spreadMs, repeat = 1 } = flags;
  const perS = flags.onlyUntimed === true && isTimed ? undefined : flags.sessionsPerS;
  const starts =
    perS === undefined
      ? { kind: "traced" as const, ...(spreadMs !== undefined && { spreadMs }) }
      : { kind: "poisson" as const, perS };
  // Traces with times are repeated one after another only by chance: their sessions would come twice at once.
  const sessions = () => readSessions(files, { onProblem });
  const coming = perS === undefined ? sessions() : repeated(sessions, repeat);
  const name = files.map(({ path }) => path.replace(/^.*[\\/]/, "")).join(" + ");
  const blockTokens = flags.blockTokens ?? blockTokensOf(first);
  const random = seededRandom(SEED);
  return packArrivals(name, arrivals(coming, { starts, turns: "think" }, random), blockTokens);
}

async function firstSessions(files: ReturnType<typeof traceFiles>) {
  const first = [];
  for (const file of files) {
    for await (const session of readSessions([file])) {
      first.push(session);
      break;
    }
  }
  return first;
}

function blockTokensOf(first: Awaited<ReturnType<typeof firstSessions>>): number {
  const sizes = first.flatMap(({ requests: [one] }) =>
    one && one.blocks.length > 0 ? [one.blockTokens] : [],
  );
  return Math.min(MOST_BLOCK_TOKENS, ...sizes);
}
