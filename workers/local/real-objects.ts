import { wait } from "./delay-stream.ts";
import { type Around, aroundCalls } from "./object-calls.ts";

/** Calls to one object within a second that Cloudflare takes, about. */
const CALLS_PER_S = 1000;

/**
 * What stands between a worker and its Durable Objects once deployed, and not in Miniflare, where they share a process:
 * every call takes `delayMs` longer, and past a thousand a second an object says that it is overloaded.
 */
export function realObjects(
  now: () => number,
): <Namespace extends object>(namespace: Namespace, delayMs: number) => Namespace {
  const loads = new Map<string, Load>();
  return (namespace, delayMs) => {
    const around: Around = async (id, call) => {
      if (isOverloaded(loads, id, now())) {
        const error = new Error(
          "Durable Object is overloaded. Too many requests for the same object.",
        );
        throw Object.assign(error, { overloaded: true });
      }
      await wait(delayMs);
      return call();
    };
    return aroundCalls(namespace, around);
  };
}

/** The last second in which an object was called, and how often. */
type Load = { readonly second: number; calls: number };

const MOST_LOADS = 10_000;

function isOverloaded(loads: Map<string, Load>, id: string, nowMs: number): boolean {
  const second = Math.floor(nowMs / 1000);
  const load = loads.get(id);
  if (load?.second === second) return ++load.calls > CALLS_PER_S;
  if (loads.size >= MOST_LOADS) loads.clear();
  loads.set(id, { second, calls: 1 });
  return false;
}
