import type { Random } from "../../core/random.ts";
import type { TraceSession } from "../requests/request.ts";

/** A session and when its first request comes, ms from the beginning of the replay. */
export type Start = { readonly atMs: number; readonly session: TraceSession };

/** Sessions at the times of the trace, never before one that was given earlier. */
export async function* tracedStarts(sessions: AsyncIterable<TraceSession>): AsyncGenerator<Start> {
  let latestMs = 0;
  for await (const session of sessions) {
    if (session.startMs === undefined) {
      throw new RangeError(
        `the trace does not say when session \`${session.id}\` began: let sessions come by chance or by users`,
      );
    }
    latestMs = Math.max(latestMs, session.startMs);
    yield { atMs: latestMs, session };
  }
}

/** Sessions in their order at the times of a Poisson process of `perS` a second. */
export async function* poissonStarts(
  sessions: AsyncIterable<TraceSession>,
  perS: number,
  random: Random,
): AsyncGenerator<Start> {
  let atMs = 0;
  for await (const session of sessions) {
    yield { atMs, session };
    atMs += (-Math.log(1 - random()) / perS) * 1000;
  }
}

/**
 * Spreads sessions of one and the same time evenly until the next time, `stepMs` at most: Mooncake's traces tell time
 * in steps of three seconds, ten requests at once.
 */
export async function* spread(starts: AsyncIterable<Start>, stepMs = 3000): AsyncGenerator<Start> {
  let together: Start[] = [];
  for await (const start of starts) {
    const atMs = together[0]?.atMs ?? start.atMs;
    if (start.atMs > atMs) {
      yield* spaced(together, Math.min(stepMs, start.atMs - atMs));
      together = [];
    }
    together.push(start);
  }
  yield* spaced(together, stepMs);
}

function spaced(together: readonly Start[], overMs: number): Start[] {
  return together.map(({ atMs, session }, index) => ({
    atMs: atMs + (overMs * index) / together.length,
    session,
  }));
}
