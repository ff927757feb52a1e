import { setTimeout as sleep } from "node:timers/promises";

/** Asks every `everyMs` until the answer is not undefined; throws with `what` after `withinMs`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  withinMs = 5000,
  everyMs = 10,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(everyMs);
  }
}
