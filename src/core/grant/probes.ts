import { doubt, mayAsk } from "./breaker.ts";
import { hearLoad, isFresh, type ToldLoad } from "./foreign.ts";
import { hearEvictions, type KvCursor, type KvTold } from "./kv-events.ts";
import type { EngineState, RegionState } from "./region-state.ts";

/** An engine to be asked how it is. One caller is told to, and tells what it heard under the ticket. */
export type Probe = {
  readonly ticket: string;
  readonly engine: string;
  /** How far its cache events were read; absent where none were. */
  readonly kvCursors?: readonly KvCursor[];
};

/** What a probe heard; `afterMs` is since it was leased. */
export type Probed = {
  readonly afterMs: number;
  readonly load?: ToldLoad | undefined;
  /** Absent where the engine's answer says neither. */
  readonly isWell?: boolean | undefined;
  /** Its cache events, where it has any. */
  readonly kv?: KvTold | undefined;
};

/** When an engine was last to be probed, epoch ms, and under which ticket until that was told. */
export type ProbeLease = { at: number; ticket: string | undefined };

/**
 * Engines whose load nobody has told lately, for the one who asks now: a region without traffic probes nothing. Those
 * known the least go first.
 */
export function leaseProbes(state: RegionState, nowMs: number): Probe[] {
  if (nowMs < state.probesAt) return [];
  state.probesAt = nowMs + APART_MS;
  const due = [...state.pools.values()]
    .filter(({ pool }) => pool.routed === "us")
    .flatMap(({ engines }) => engines.filter((engine) => isDue(engine, nowMs)));
  due.sort((one, other) => one.probe.at - other.probe.at);
  return due.slice(0, MOST_AT_ONCE).map((engine) => {
    const ticket = `probe:${engine.id}:${state.nextTicket++}`;
    engine.probe = { at: nowMs, ticket };
    const { cursors } = engine.kv;
    return { ticket, engine: engine.id, ...(cursors.length > 0 && { kvCursors: cursors }) };
  });
}

/** Enters what a probe heard, once. A failed one opens no breaker: it counts as one more failure of the next leg. */
export function probed(
  state: RegionState,
  { ticket, engine: id }: Probe,
  { afterMs, load, isWell, kv }: Probed,
  nowMs: number,
): EngineState | undefined {
  const pool = state.pools.get(id.slice(0, id.lastIndexOf("/")));
  const engine = pool?.engines.find((one) => one.id === id);
  if (engine === undefined || engine.probe.ticket !== ticket) return undefined;
  const { at } = engine.probe;
  engine.probe = { at, ticket: undefined };
  if (load !== undefined) hearLoad(engine, load, Math.min(nowMs, at + afterMs), nowMs);
  if (isWell !== undefined) doubt(engine.breaker, !isWell);
  if (kv !== undefined) hearEvictions(engine, kv);
  return engine;
}

/** An engine is probed no sooner than this after it was, or told its load with an answer, ms. */
const EVERY_MS = 5000;
/** Callers are given probes this far apart, ms, and so many: they have few connections. */
const APART_MS = 100;
const MOST_AT_ONCE = 2;

function isDue(engine: EngineState, nowMs: number): boolean {
  const { probe, breaker, kv } = engine;
  if (nowMs - probe.at < EVERY_MS) return false;
  // Cache events are kept for a while only, and told to nobody but who asks for them.
  if (kv.cursors.length === 0 && isFresh(engine, nowMs, EVERY_MS)) return false;
  return mayAsk(breaker, nowMs);
}
