import type { Speed } from "../core/speed.ts";
import type { FleetLeg } from "./leg.ts";

/**
 * The requests an engine decodes. Each takes one step per iteration, so it is enough to know at which step of the
 * engine each one ends: a stretch of steps is taken at once, however many requests share it.
 */
export class DecodeBatch {
  /** A heap by the step at which they end, those of one step in order of entry. */
  readonly #legs: FleetLeg[] = [];
  readonly #endsAtStep: number[] = [];
  readonly #entered: number[] = [];
  #entries = 0;
  #steps = 0;
  #contextTokens = 0;

  get size(): number {
    return this.#legs.length;
  }

  /** Sum of the contexts whose KV cache is held. */
  get contextTokens(): number {
    return this.#contextTokens;
  }

  /** Steps until the next request ends; Infinity without any. */
  get stepsToNextEnd(): number {
    return this.#legs.length === 0 ? Infinity : (this.#endsAtStep[0] as number) - this.#steps;
  }

  /** Time of the next `steps` steps while the batch stays as it is. */
  stretchMs(speed: Speed, steps: number): number {
    const batch = this.#legs.length;
    const first = this.#contextTokens + batch;
    return sumOverSteps((step) => speed.stepMs(batch, first + step * batch), steps);
  }

  /** Which of a stretch of `most` steps is under way after `elapsedMs`, counted from 1; one that just ended is over. */
  stepUnderWay(speed: Speed, elapsedMs: number, most: number): number {
    let over = 0;
    let later = most;
    while (later - over > 1) {
      const middle = (over + later) >> 1;
      if (this.stretchMs(speed, middle) <= elapsedMs) over = middle;
      else later = middle;
    }
    return later;
  }

  /** A request that has said its first token and has `steps` more to say. */
  add(leg: FleetLeg, steps: number): void {
    this.#contextTokens += leg.promptTokens;
    let at = this.#legs.length;
    const endsAtStep = this.#steps + steps;
    const entered = this.#entries++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#endsAtStep[parent] as number) <= endsAtStep) break;
      this.#put(at, parent);
      at = parent;
    }
    this.#legs[at] = leg;
    this.#endsAtStep[at] = endsAtStep;
    this.#entered[at] = entered;
  }

  advance(steps: number): void {
    this.#steps += steps;
    this.#contextTokens += steps * this.#legs.length;
  }

  /** Takes out one request that has ended. */
  takeEnded(): FleetLeg | undefined {
    if (this.stepsToNextEnd > 0) return undefined;
    const ended = this.#legs[0];
    this.#removeFirst();
    if (ended) this.#contextTokens -= ended.promptTokens + ended.outputTokens - 1;
    return ended;
  }

  /** Takes all of them out. */
  clear(): FleetLeg[] {
    this.#endsAtStep.length = 0;
    this.#entered.length = 0;
    this.#contextTokens = 0;
    return this.#legs.splice(0);
  }

  #put(at: number, from: number): void {
    this.#legs[at] = this.#legs[from] as FleetLeg;
    this.#endsAtStep[at] = this.#endsAtStep[from] as number;
    this.#entered[at] = this.#entered[from] as number;
  }

  #removeFirst(): void {
    const last = this.#legs.length - 1;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#before(child + 1, child)) child++;
      if (!this.#before(child, last)) break;
      this.#put(at, child);
      at = child;
    }
    this.#put(at, last);
    this.#legs.length = last;
    this.#endsAtStep.length = last;
    this.#entered.length = last;
  }

  #before(a: number, b: number): boolean {
    const difference = (this.#endsAtStep[a] as number) - (this.#endsAtStep[b] as number);
    return difference === 0
      ? (this.#entered[a] as number) < (this.#entered[b] as number)
      : difference < 0;
  }
}

/** Sum of f(0) … f(count − 1); exact where `f` is at most quadratic, as every calibration's step time is. */
export function sumOverSteps(f: (step: number) => number, count: number): number {
  if (count <= 0) return 0;
  if (count === 1) return f(0);
  const middle = f((count - 1) / 2);
  const bend = f(0) - 2 * middle + f(count - 1);
  return count * middle + (bend * count * (count + 1)) / (6 * (count - 1));
}
