import type { Pool } from "../fleet.ts";
import { marginalShare } from "../prices.ts";
import type { Speed } from "../speed.ts";
import type { EngineView } from "./placement.ts";
import type { PhaseCapabilities } from "./plan-input.ts";
import { type Scope, refuse } from "./scope.ts";

/** What a prompt's millisecond counts that each running decode waits for it: less than one before a first token. */
export const INTERFERENCE = 0.4;

/** One engine of one pool, with the times this request would see there. */
export type Leg = {
  readonly pool: Pool;
  readonly speed: Speed;
  readonly capabilities: PhaseCapabilities;
  readonly view: EngineView;
  readonly heldTokens: number;
  /** Round trip and upload. */
  readonly reachMs: number;
  readonly queueMs: number;
  /** Wait for a decode slot and for KV cache to come free. */
  readonly slotMs: number;
  readonly prefillMs: number;
  readonly tpotMs: number;
  /** Dollars per millisecond of the whole engine, at its marginal price. */
  readonly usdPerMs: number;
  /** Milliseconds, for choosing among engines of one pool. */
  readonly prefillCostMs: number;
  readonly decodeCostMs: number;
  /** Recompute that this leg costs others by evicting their caches, ms. */
  readonly displacedMs: number;
  /** What it is worth to spare an engine that had its share already, ms. */
  readonly overworkMs: number;
};

/** Every usable engine of a pool as a leg, starting at a random one so that equal engines share the work. */
export function legsOf(scope: Scope, pool: Pool, speed: Speed): Leg[] {
  const { input } = scope;
  const views = viewsOf(input.views(pool.id), pool, speed);
  const capabilities = input.capabilities(pool.dialect);
  const reachMs = input.rttMs(pool.region) + scope.uploadMs;
  const offset = Math.floor(input.random() * views.length);
  const legs: Leg[] = [];
  for (let i = 0; i < views.length; i++) {
    const view = views[(i + offset) % views.length];
    if (view === undefined) continue;
    if (input.avoid.has(view.engine)) refuse(scope, "avoided");
    else if (!view.healthy) refuse(scope, "unhealthy");
    else legs.push(legOf(scope, pool, speed, capabilities, view, reachMs));
  }
  return legs;
}

/** The times one request would see at one engine. */
export function legOf(
  scope: Scope,
  pool: Pool,
  speed: Speed,
  capabilities: PhaseCapabilities,
  view: EngineView,
  reachMs: number,
): Leg {
  const { promptTokens, outputTokens } = scope;
  const heldTokens = Math.max(0, Math.min(view.heldTokens, promptTokens - 1));
  const { seen } = view;
  const { longestTokens } = scope.input.ask;
  const prefillMs = prefillMsAt(speed, view, promptTokens, heldTokens, longestTokens);
  const tpotMs = seen
    ? seen.stepMs
    : speed.stepMs(view.batch + 1, view.batchTokens + promptTokens) * view.decodeFactor;
  const slotMs = waitMs(pool, speed, view, promptTokens + outputTokens, tpotMs * outputTokens);
  const share = marginalShare(view.batch, pool.maxBatch, view.queueMs);
  return {
    pool,
    speed,
    capabilities,
    view,
    heldTokens,
    reachMs,
    queueMs: view.queueMs + (seen ? Math.max(0, seen.firstMs - seen.stepMs) : 0),
    slotMs,
    prefillMs,
    tpotMs,
    // Hosted pools are paid by the token.
    usdPerMs: pool.routed === "us" ? speed.usdPerMs * share : 0,
    prefillCostMs: view.queueMs + prefillMs * (1 + INTERFERENCE * view.batch),
    decodeCostMs: slotMs + tpotMs * outputTokens,
    displacedMs: view.displacedMs ?? 0,
    overworkMs: view.overworkMs ?? 0,
  };
}

/** What the tokens of a prompt that an engine does not hold take there. */
export function prefillMsAt(
  speed: Speed,
  { seen, prefillFactor }: EngineView,
  promptTokens: number,
  heldTokens: number,
  longestTokens?: number,
): number {
  if (seen !== undefined) return seen.msPerToken * Math.max(0, promptTokens - heldTokens);
  return speed.prefillMs(promptTokens, heldTokens, longestTokens) * prefillFactor;
}

/** Engines whose batch or KV cache is full let a request in as others finish: one `lifeMs` turns the whole engine over. */
function waitMs(
  pool: Pool,
  speed: Speed,
  view: EngineView,
  needTokens: number,
  lifeMs: number,
): number {
  const over = Math.max(0, view.batch + 1 - pool.maxBatch) / pool.maxBatch;
  if (view.roomInMs !== undefined) return Math.max(over * lifeMs, view.roomInMs);
  const short =
    pool.routed === "us" && speed.kvTokens > 0
      ? Math.max(0, needTokens - view.kvFreeTokens) / speed.kvTokens
      : 0;
  return Math.max(over, Math.min(1, short)) * lifeMs;
}

/** What is believed of a pool's engines; nothing known means idle and empty. */
export function viewsOf(
  views: readonly EngineView[],
  pool: Pool,
  speed: Speed,
): readonly EngineView[] {
  if (views.length > 0) return views;
  return pool.engines.map((engine) => ({
    engine: engine.id,
    queueMs: 0,
    batch: 0,
    batchTokens: 0,
    heldTokens: 0,
    kvFreeTokens: speed.kvTokens,
    prefillFactor: 1,
    decodeFactor: 1,
    healthy: true,
  }));
}
