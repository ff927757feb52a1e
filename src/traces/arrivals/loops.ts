import type { TraceRequest, TraceSession } from "../requests/request.ts";
import type { Start } from "./starts.ts";

/** A request that comes at a known time, and what follows from its answer. */
export type Arrival = {
  /** Milliseconds from the beginning of the replay; never less than the arrival's before. */
  readonly atMs: number;
  readonly request: TraceRequest;
  /** The turns after it: each comes its `thinkMs` after the answer to the one before. */
  readonly later: readonly TraceRequest[];
};

/** Every turn at the time of the trace, whatever became of the turns before. */
export async function* openLoop(starts: AsyncIterable<Start>): AsyncGenerator<Arrival> {
  const coming: Arrival[] = [];
  for await (const { atMs, session } of starts) {
    yield* dueBefore(coming, atMs);
    for (const request of session.requests)
      insert(coming, { atMs: atMs + request.offsetMs, request, later: [] });
  }
  yield* dueBefore(coming, Infinity);
}

/** First turns at their times, every other turn when its user has thought about the answer before. */
export async function* closedLoop(starts: AsyncIterable<Start>): AsyncGenerator<Arrival> {
  for await (const { atMs, session } of starts) {
    const [request, ...later] = session.requests;
    if (request) yield { atMs, request, later };
  }
}

/**
 * A fixed number of users, each holding one session after another; user `i` of `n` begins at `i / n` of `rampMs`.
 * Keeps all sessions in memory.
 */
export async function* userLoop(
  sessions: AsyncIterable<TraceSession>,
  users: number,
  rampMs = 60_000,
): AsyncGenerator<Arrival> {
  const held: TraceRequest[][] = Array.from({ length: users }, () => []);
  let dealt = 0;
  for await (const session of sessions) held[dealt++ % users]?.push(...session.requests);
  for (const [user, [request, ...later]] of held.entries())
    if (request) yield { atMs: (rampMs * user) / users, request, later };
}

/** The same arrivals `rate` times as fast; thinking takes as long as before. */
export async function* atRate(
  arrivals: AsyncIterable<Arrival>,
  rate: number,
): AsyncGenerator<Arrival> {
  for await (const arrival of arrivals) yield { ...arrival, atMs: arrival.atMs / rate };
}

function* dueBefore(coming: Arrival[], atMs: number): Generator<Arrival> {
  let due = 0;
  while (due < coming.length && (coming[due]?.atMs ?? Infinity) < atMs) due += 1;
  yield* coming.splice(0, due);
}

function insert(coming: Arrival[], arrival: Arrival): void {
  let [from, to] = [0, coming.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((coming[middle]?.atMs ?? 0) <= arrival.atMs) from = middle + 1;
    else to = middle;
  }
  coming.splice(from, 0, arrival);
}
