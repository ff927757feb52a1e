/** Whether an engine may be asked. Mutable; times in epoch ms. */
export type Breaker = {
  /** Consecutive failures. */
  failures: number;
  openUntil: number;
  openForMs: number;
  /** The engine asked not to be asked before this. */
  restUntil: number;
  /** It did not answer when it was asked how it is. */
  isDoubted: boolean;
  /** Ticket of the one request that tests a half-open breaker. */
  probe: string | undefined;
};

const FAILURES_TO_OPEN = 3;
const FIRST_OPEN_MS = 5000;
const LONGEST_OPEN_MS = 60_000;

/** A closed breaker. */
export function closedBreaker(): Breaker {
  return {
    failures: 0,
    openUntil: 0,
    openForMs: 0,
    restUntil: 0,
    isDoubted: false,
    probe: undefined,
  };
}

/** Of an engine of which nothing is known: it may be asked, and its first answer or failure decides. */
export function unprovenBreaker(): Breaker {
  return { ...closedBreaker(), failures: FAILURES_TO_OPEN - 1 };
}

/** True when a request may go to the engine: the breaker is closed, or half open with its probe still free. */
export function mayAsk(breaker: Breaker, nowMs: number): boolean {
  if (nowMs < breaker.restUntil) return false;
  if (breaker.failures < FAILURES_TO_OPEN) return true;
  return nowMs >= breaker.openUntil && breaker.probe === undefined;
}

/** Records that a request goes to the engine; in a half-open breaker it is the probe. */
export function asked(breaker: Breaker, ticket: string): void {
  if (breaker.failures >= FAILURES_TO_OPEN) breaker.probe = ticket;
}

/** The engine is well but full, and said for how long: nothing is counted against it. */
export function rest(breaker: Breaker, untilMs: number): void {
  breaker.restUntil = Math.max(breaker.restUntil, untilMs);
}

/** True while the engine is left alone at its own wish. */
export function rests({ restUntil }: Breaker, nowMs: number): boolean {
  return nowMs < restUntil;
}

/** When the engine may be asked again, epoch ms; in the past when it may be asked now. */
export function opensAt({ openUntil, restUntil }: Breaker): number {
  return Math.max(openUntil, restUntil);
}

/** The engine was asked how it is, and did not answer: that counts as one failure, however often, and opens nothing. */
export function doubt(breaker: Breaker, isDoubted: boolean): void {
  breaker.isDoubted = isDoubted;
}

/** The engine answered. */
export function succeeded(breaker: Breaker): void {
  breaker.failures = 0;
  breaker.openForMs = 0;
  breaker.openUntil = 0;
  breaker.isDoubted = false;
  breaker.probe = undefined;
}

/** The engine failed; true when this opened the breaker. Failures of requests sent before it opened change nothing. */
export function countFailure(breaker: Breaker, ticket: string, nowMs: number): boolean {
  if (breaker.failures >= FAILURES_TO_OPEN && breaker.probe !== ticket) return false;
  breaker.failures += 1;
  breaker.probe = undefined;
  if (breaker.isDoubted && breaker.failures === FAILURES_TO_OPEN - 1) breaker.failures += 1;
  if (breaker.failures < FAILURES_TO_OPEN) return false;
  breaker.openForMs = Math.min(LONGEST_OPEN_MS, breaker.openForMs * 2 || FIRST_OPEN_MS);
  breaker.openUntil = nowMs + breaker.openForMs;
  return true;
}

/** The probe ended without telling anything: another may go. */
export function probeEnded(breaker: Breaker, ticket: string): void {
  if (breaker.probe === ticket) breaker.probe = undefined;
}
