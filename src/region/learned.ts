import type { Fleet } from "../core/fleet.ts";
import type { AskedOf, Dialect } from "../engines/dialect.ts";
import { dialectOf } from "../engines/registry.ts";
import { addressOf, type EngineAccess, engineOf, keyOf } from "./engine-request.ts";
import { LegBroken } from "./leg-stream.ts";
import { readSmall } from "./read-small.ts";
import type { LegAnswer, LegFailure, LegOrder } from "./service.ts";

/**
 * What is known of the prefill engine of a request, where its dialect has to know something to write the legs. It is
 * asked once in an isolate, or told by a handle, and forgotten with the first leg that fails.
 */
export async function learn(
  access: EngineAccess,
  order: LegOrder,
  signal: AbortSignal,
): Promise<string | undefined> {
  const id = prefillEngine(order);
  const learns = learnsOf(access, id);
  if (id === undefined || learns === undefined) return undefined;
  const learned = learnedOf(access.fleet);
  try {
    if ("fromHandoff" in learns && order.handoff !== undefined) {
      learned.set(id, learns.fromHandoff(order.handoff));
    } else if ("url" in learns && !learned.has(id)) {
      learned.set(id, await inTime(signal, (ends) => ask(access, id, learns, ends)));
    }
  } catch (error) {
    throw id === order.engine ? error : new NotTold(error);
  }
  return learned.get(id);
}

/** The prefill engine did not tell a decode leg what it has to know; `cause` is how it failed. */
export class NotTold extends Error {
  constructor(cause: unknown) {
    super("the prefill engine was not got to know", { cause });
    this.name = "NotTold";
  }
}

/**
 * Keeps what a leg's answer tells of its engine, or forgets what was known when it failed. Throws `SyntaxError` for a
 * handle that does not tell what it should.
 */
export function remember(access: EngineAccess, order: LegOrder, answer: LegAnswer): void {
  if (!answer.ok) return forget(access, order, answer.failure);
  const id = prefillEngine(order);
  if (id === undefined || answer.kind !== "prefilled" || answer.handoff === undefined) return;
  const learns = learnsOf(access, id);
  if (!learns || !("fromHandoff" in learns)) return;
  learnedOf(access.fleet).set(id, learns.fromHandoff(answer.handoff));
}

/** Forgets the prefill engine of a leg that failed: it may have come back as another. */
export function forget({ fleet }: EngineAccess, order: LegOrder, { kind }: LegFailure): void {
  const id = prefillEngine(order);
  if (id !== undefined && kind !== "aborted") learnedOf(fleet).delete(id);
}

function prefillEngine({ leg, engine, split }: LegOrder): string | undefined {
  return split?.prefill ?? (leg === "prefill" ? engine : undefined);
}

function learnsOf({ fleet }: EngineAccess, id: string | undefined): Dialect["learns"] {
  return id === undefined ? undefined : dialectOf(engineOf(fleet, id).pool.dialect).learns;
}

async function ask(
  access: EngineAccess,
  id: string,
  learns: AskedOf,
  signal: AbortSignal,
): Promise<string> {
  const { pool, engine } = engineOf(access.fleet, id);
  const url = learns.url(addressOf(access.fleet, id));
  // What asks elsewhere than at the engine has no business with what lets us in there.
  const isEngine = new URL(url).origin === new URL(engine.url).origin;
  const headers = isEngine ? { ...pool.headers, ...keyOf(access, engine) } : {};
  const response = await access.engineFetch(url, { headers, signal, redirect: "manual" });
  if (response.ok && response.body !== null) return learns.read(await readSmall(response.body));
  await response.body?.cancel();
  if (response.status === 404 && learns.unknown !== undefined) return learns.unknown;
  throw new LegBroken("status", `the prefill engine answered ${response.status} to who it is`);
}

/** Who takes longer to say who it is has nothing to do with how long a prompt takes, ms. */
const LONGEST_MS = 5000;

/** What comes of work that is ended after `LONGEST_MS`, or with `signal`. Throws `LegBroken`. */
async function inTime<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), LONGEST_MS);
  try {
    return await work(AbortSignal.any([signal, late.signal]));
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new LegBroken("stalled", `the prefill engine did not say who it is in ${LONGEST_MS} ms`);
  } finally {
    clearTimeout(timer);
  }
}

/** By engine id. Text only: no promise or stream that belongs to one request outlives it here. */
function learnedOf(fleet: Fleet): Map<string, string> {
  const learned = byFleet.get(fleet) ?? new Map<string, string>();
  byFleet.set(fleet, learned);
  return learned;
}

const byFleet = new WeakMap<Fleet, Map<string, string>>();
