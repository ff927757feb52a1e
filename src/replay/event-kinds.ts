/** What can be due in a run. The payload is a number of the kind's own. */
export const ARRIVE = 0;
/** An engine's iteration ends; the payload is the engine. */
export const ITERATION = 1;
/** A request reaches its first engine. */
export const DELIVER = 2;
/** A prefilled request reaches the engine that decodes it; the payload is the prefill leg. */
export const HAND = 3;
/** The bytes of a transfer begin to flow; the payload is the leg that wants them. */
export const FLOW = 4;
/** A transfer ends. */
export const MOVED = 5;
export const TIMER = 6;
export const RESTART = 7;
