import { dialectOf } from "../engines/registry.ts";
import { addressOf, type EngineAccess, engineOf } from "./engine-request.ts";
import { LegBroken } from "./leg-stream.ts";
import { readSmall } from "./read-small.ts";
import type { LegOrder } from "./service.ts";

/**
 * What the prefill engine of a split has to be asked before its legs can be written, where its dialect has such a
 * question. Asked once in an isolate, and again after an answer that failed or `forget`.
 */
export async function learn(
  access: EngineAccess,
  order: LegOrder,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (order.split === undefined) return undefined;
  const id = order.split.prefill;
  const { learns } = dialectOf(engineOf(access.fleet, id).pool.dialect);
  if (learns === undefined) return undefined;
  const known = byEngine.get(id);
  if (known !== undefined) return known;
  const url = learns.url(addressOf(access.fleet, id));
  const response = await access.engineFetch(url, { signal, redirect: "manual" });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new LegBroken("status", `the prefill engine answered ${response.status} to who it is`);
  }
  const learned = learns.read(await readSmall(response.body));
  byEngine.set(id, learned);
  return learned;
}

/** The engines of a leg that failed may have come back as others. */
export function forget({ split }: LegOrder): void {
  if (split !== undefined) byEngine.delete(split.prefill);
}

/** Text only: no promise or stream that belongs to one request outlives it here. */
const byEngine = new Map<string, string>();
