import type { TraceSession } from "../traces/requests/request.ts";

/** A trace's sessions `times` over: the copies are other conversations of the same shape, which share no blocks. */
export async function* repeated(
  sessions: () => AsyncIterable<TraceSession>,
  times: number,
): AsyncGenerator<TraceSession> {
  for (let copy = 0; copy < times; copy++) {
    for await (const session of sessions()) yield copy === 0 ? session : copyOf(session, copy);
  }
}

/** Ids are whole numbers below this. */
const IDS = 2 ** 53;
/** How far a copy's ids are from the original's, around the circle of all ids. */
const STEP = 0x1f3d_5b79_a4c7;

function copyOf(session: TraceSession, copy: number): TraceSession {
  const id = `${session.id} (${copy + 1})`;
  const wraps = IDS - copy * STEP;
  const moved = (block: number): number => (block >= wraps ? block - wraps : block + copy * STEP);
  return {
    ...session,
    id,
    requests: session.requests.map((request) => ({
      ...request,
      session: id,
      blocks: request.blocks.map(moved),
    })),
  };
}
