/** How a session has gone so far. */
export type Rhythm = {
  /** Turns it has had, the one that just ended included. */
  readonly turns: number;
  /** Usual time between two turns, ms; absent where nobody knows. */
  readonly gapMs?: number;
};

/** Chance that the next turn needs a state from outside of its engine, and what that comes of. */
export type Reuse = {
  readonly chance: number;
  /** That there is a next turn, in time. */
  readonly returns: number;
  /** That no engine to be had holds the conversation by then. */
  readonly lost: number;
};

/** A conversation that has lasted n turns is expected to last as many again, and an engine to forget it with time. */
export function expectedReuse({ turns, gapMs = USUAL_GAP_MS }: Rhythm, keptMs: number): Reuse {
  const inTime = 1 - Math.exp(-keptMs / Math.max(1, gapMs));
  const returns = (turns / (turns + 1)) * inTime;
  const lost = 1 - (1 - LOST_AT_ONCE) * Math.exp(-gapMs / HELD_MS);
  return { chance: returns * lost, returns, lost };
}

/** Between two turns of a session whose rhythm is unknown, ms. */
const USUAL_GAP_MS = 60_000;
/** Engines restart, fill up and are too busy however soon the next turn comes. */
const LOST_AT_ONCE = 0.05;
/** Small engines hold few conversations: after this long, two in three are evicted, ms. */
const HELD_MS = 600_000;
