import { readChunkUsage, withCachedTokens } from "../core/chat-frames.ts";
import { frameData, withFrameData } from "../core/sse.ts";
import type { TurnDeps } from "./deps.ts";
import type { LegRun } from "./legs.ts";
import type { Prepared } from "./prepare.ts";

/** The legs that served a turn. */
export type ServedLegs = {
  readonly prefill?: LegRun;
  /** When the prefill leg is over, where it may outlast the beginning of the answer. */
  readonly prefilled?: Promise<unknown>;
  readonly answer: LegRun;
};

/** Prompt tokens found in a cache, from the leg that tells them truly; undefined when nobody does. */
export function cachedFigure(
  deps: TurnDeps,
  turn: Prepared,
  { prefill, answer }: ServedLegs,
): number | undefined {
  const { cachedFrom } = deps.capabilities(turn.dialectOf(answer.grant.pool));
  if (prefill !== undefined && answer.recomputed !== true) {
    if (cachedFrom.disaggregated === "none") return undefined;
    return (cachedFrom.disaggregated === "prefill" ? prefill : answer).usage?.cachedTokens;
  }
  return cachedFrom.together ? answer.usage?.cachedTokens : undefined;
}

/** An engine that tells its cached tokens and says nothing of them found none; one that never tells leaves them unknown. */
export async function resolveSilence(deps: TurnDeps, runs: readonly LegRun[]): Promise<void> {
  const silent = runs.filter(
    ({ leg, usage }) => leg !== "decode" && usage !== undefined && usage.cachedTokens === undefined,
  );
  await Promise.all(
    silent.map(async (run) => {
      if (run.usage === undefined || !(await deps.region.reportsCache(run.grant.engine))) return;
      run.usage = { ...run.usage, cachedTokens: 0 };
    }),
  );
}

/** Finds out whether the decode leg of a split took what prefill had made; where it did not, that work was wasted. */
export async function resolveHandoff(
  deps: TurnDeps,
  turn: Prepared,
  { prefill, answer }: ServedLegs,
): Promise<void> {
  if (prefill === undefined || answer.usage === undefined) return;
  const { tookHandoff, cachedFrom } = deps.capabilities(turn.dialectOf(answer.grant.pool));
  let took = tookHandoff(answer.usage);
  const isSilent = took === undefined && answer.usage.cachedTokens === undefined;
  if (isSilent && (await deps.region.reportsCache(answer.grant.engine))) {
    // Where a figure is always told, none means that nothing was found.
    answer.usage = { ...answer.usage, cachedTokens: 0 };
    took = tookHandoff(answer.usage);
  }
  // The decode leg speaks for a prefill leg that was sent by another and told nothing itself.
  if (cachedFrom.disaggregated === "decode") prefill.usage ??= { ...answer.usage, outputTokens: 1 };
  if (took !== false) return;
  answer.recomputed = true;
  prefill.outcome = "failed";
  prefill.why = "its KV cache was gone when decode came for it";
}

/**
 * How the client's `usage` must be changed to be true: engines that decode a handed-over prefix count all of it as
 * cached. Undefined when the engine's own figure stands.
 */
export function usageCorrection(
  deps: TurnDeps,
  turn: Prepared,
  legs: ServedLegs,
  waitMs: number,
): ((json: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>) | undefined {
  const { prefill } = legs;
  const { cachedFrom } = deps.capabilities(turn.dialectOf(legs.answer.grant.pool));
  if (prefill === undefined && cachedFrom.together) return undefined;
  const resolved = Promise.resolve(legs.prefilled).then(
    () => prefill && resolveSilence(deps, [prefill]),
  );
  return async (json) => {
    const usage = readChunkUsage(new TextDecoder().decode(json));
    if (usage !== undefined) legs.answer.usage ??= usage;
    const all = Promise.all([resolved, resolveHandoff(deps, turn, legs)]);
    await Promise.race([all, new Promise((resolve) => setTimeout(resolve, waitMs))]);
    return withCachedTokens(json, cachedFigure(deps, turn, legs));
  };
}

/** The same for one frame of an event stream; frames without usage pass as they came. */
export async function correctFrame(
  frame: Uint8Array,
  correct: (json: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const data = frameData(frame);
  if (data === undefined || readChunkUsage(data) === undefined) return frame;
  const json = new TextDecoder().decode(await correct(new TextEncoder().encode(data)));
  return withFrameData(frame, json);
}
