import type { EngineState } from "./region-state.ts";

/** Prefill work that an engine was granted lately, ms as of `atMs`: what was granted earlier counts less. */
export type RecentPrompts = { ms: number; atMs: number };

/** Work granted this long ago counts 1/e, ms: about as long as a short answer takes to write. */
const WINDOW_MS = 500;

/** Adds one prompt's prefill granted to an engine. */
export function addPrompt(
  { recentPrompts: prompts }: EngineState,
  prefillMs: number,
  nowMs: number,
): void {
  prompts.ms = faded(prompts.ms, nowMs - prompts.atMs) + prefillMs;
  prompts.atMs = nowMs;
}

/** Takes one out again that was granted `atMs` and given back. */
export function takePrompt(
  { recentPrompts: prompts }: EngineState,
  prefillMs: number,
  atMs: number,
): void {
  prompts.ms = Math.max(0, prompts.ms - faded(prefillMs, prompts.atMs - atMs));
}

/** Share of an engine's time that prompts were granted lately; over 1 where they came faster than it computes them. */
export function promptShare({ recentPrompts: prompts }: EngineState, nowMs: number): number {
  return faded(prompts.ms, nowMs - prompts.atMs) / WINDOW_MS;
}

/** What work or a share of `ageMs` ago still tells of now. */
export function faded(value: number, ageMs: number): number {
  return value * Math.exp(-Math.max(0, ageMs) / WINDOW_MS);
}
