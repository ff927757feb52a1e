import { asked } from "../grant/breaker.ts";
import { type Granted, type Refused, unknownPool } from "../grant/grant.ts";
import type { GrantAsk } from "../grant/offer.ts";
import { closedFor, type Endpoint, expectedOf } from "./endpoint.ts";
import { type Need, take } from "./limits.ts";

export type HostedAnswer = { readonly kind: "granted"; readonly grant: Granted } | Refused;

const RETRY_MS = 1000;

/**
 * Lets a request go to an endpoint of a pool that routes itself, as far as its limits are known: the one that has most
 * of the prompt cached, then the one with the fewest requests of this isolate.
 */
export function grantHosted(
  endpoints: readonly Endpoint[],
  ask: GrantAsk,
  ticket: string,
  nowMs: number,
): HostedAnswer {
  const need = { inputTokens: ask.ask.promptTokens, outputTokens: ask.ask.expectedOutputTokens };
  const left = endpoints.filter(({ id }) => !ask.avoid.includes(id));
  if (endpoints.length === 0) return unknownPool(ask.pool);
  if (left.length === 0) {
    const reason = "every engine has failed this request";
    return { kind: "refused", reason, retryAfterMs: RETRY_MS };
  }
  const open = left.filter((endpoint) => closedFor(endpoint, need, nowMs).ms === 0);
  const [best] = open.toSorted(
    (one, other) => heldAt(other, ask) - heldAt(one, ask) || one.running.size - other.running.size,
  );
  if (best === undefined) return refusal(left, need, nowMs);
  return { kind: "granted", grant: enter(best, ask, need, ticket, nowMs) };
}

function enter(
  endpoint: Endpoint,
  ask: GrantAsk,
  need: Need,
  ticket: string,
  nowMs: number,
): Granted {
  const { id, running, limits } = endpoint;
  const heldTokens = heldAt(endpoint, ask);
  const uncachedTokens = Math.max(0, need.inputTokens - heldTokens);
  const { firstMs, msPerToken, stepMs } = expectedOf(endpoint, nowMs);
  const prefillMs = firstMs + msPerToken * uncachedTokens;
  asked(endpoint.breaker, ticket);
  running.set(ticket, {
    taken: take(limits, need, nowMs),
    uncachedTokens,
    grantedAt: nowMs,
    endsAt: nowMs + prefillMs + stepMs * need.outputTokens,
    sentAt: undefined,
    firstTokenAt: undefined,
  });
  const reason =
    heldTokens > 0 ? `within its limits, holds ${heldTokens} tokens` : "within its limits";
  const times = { startAt: nowMs, heldTokens, prefillMs, stepMs };
  return { ticket, engine: id, pool: endpoint.pool.id, ...times, reason };
}

function refusal(endpoints: readonly Endpoint[], need: Need, nowMs: number): Refused {
  const closed = endpoints.map((endpoint) => closedFor(endpoint, need, nowMs));
  const retryAfterMs = Math.max(RETRY_MS, Math.ceil(Math.min(...closed.map(({ ms }) => ms))));
  return closed.every(({ isFull }) => isFull)
    ? { kind: "refused", reason: "its limits are used up", retryAfterMs, full: true }
    : { kind: "refused", reason: "no engine is healthy", retryAfterMs };
}

function heldAt({ id }: Endpoint, { held, ask }: GrantAsk): number {
  return Math.min(held[id] ?? 0, ask.promptTokens);
}
