import type { Speed } from "../core/speed.ts";
import type { Sequence } from "./sequence.ts";

/** One iteration of the engine: every decoding request takes a step, and some prompts advance by a chunk. */
export type Step = {
  readonly endsAt: number;
  readonly decoding: readonly Sequence[];
  readonly chunks: readonly { readonly sequence: Sequence; readonly to: number }[];
};

/** Composes the next iteration, or nothing when no request can advance. */
export function nextStep(
  running: Iterable<Sequence>,
  atMs: number,
  engine: { readonly speed: Speed; readonly chunkTokens: number; readonly slowFactor: number },
): Step | undefined {
  const decoding: Sequence[] = [];
  const prefilling: Sequence[] = [];
  for (const sequence of running) {
    if (sequence.phase === "decode") decoding.push(sequence);
    if (sequence.phase === "prefill") prefilling.push(sequence);
  }
  if (decoding.length + prefilling.length === 0) return undefined;
  let ms = 0;
  if (decoding.length > 0) {
    const context = decoding.reduce((sum, sequence) => sum + sequence.done + 1, 0);
    ms += engine.speed.stepMs(decoding.length, context);
  }
  let budget = Math.max(1, engine.chunkTokens - decoding.length);
  const chunks: { sequence: Sequence; to: number }[] = [];
  for (const sequence of prefilling) {
    if (budget <= 0) break;
    const to = Math.min(sequence.size, sequence.done + budget);
    budget -= to - sequence.done;
    ms += chunkMs(engine.speed, sequence, to);
    chunks.push({ sequence, to });
  }
  return { endsAt: atMs + ms * engine.slowFactor, decoding, chunks };
}

/** Prompt tokens that the next iteration can compute beside those of the requests let in. */
export function freeInStep(running: Iterable<Sequence>, atMs: number, chunkTokens: number): number {
  let decoding = 0;
  let known = 0;
  for (const { phase, size, done, readyAt } of running) {
    if (phase === "decode") decoding++;
    else if (readyAt <= atMs) known += size - done;
  }
  return Math.max(1, chunkTokens - decoding) - known;
}

/** A chunk costs what it adds, so that chunks sum to the whole prompt's time whatever their size. */
function chunkMs(speed: Speed, sequence: Sequence, to: number): number {
  const before = speed.prefillMs(sequence.done, sequence.startedAt);
  return speed.prefillMs(to, sequence.startedAt) - before;
}
