import { countFailure, probeEnded, rest, succeeded } from "../grant/breaker.ts";
import type { Usage } from "../leg.ts";
import { type Endpoint, expectedOf, type Running } from "./endpoint.ts";
import { giveBack, hear, type ToldLimits } from "./limits.ts";
import { observeFirst, observeStep } from "./observed.ts";

/** Kinds of failure that say nothing about the endpoint's health. */
const NOT_THE_ENGINE = new Set(["caller", "aborted"]);
/** How long one is left alone that says it is full and not for how long; twice as long each time, ms. */
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 60_000;

/** A granted request is sent. */
export function sent({ running }: Endpoint, ticket: string, nowMs: number): void {
  const one = running.get(ticket);
  if (one !== undefined) one.sentAt = nowMs;
}

/** Its answer, or what came in place of one, told the limits. */
export function toldLimits(
  { running, limits }: Endpoint,
  ticket: string,
  told: ToldLimits,
  nowMs: number,
): void {
  const sentAt = running.get(ticket)?.sentAt;
  if (sentAt !== undefined) hear(limits, told, sentAt, nowMs);
}

/** Its first token came; `wayMs` of that is the round trip. */
export function firstToken(endpoint: Endpoint, ticket: string, wayMs: number, nowMs: number): void {
  const one = endpoint.running.get(ticket);
  if (one === undefined || one.firstTokenAt !== undefined) return;
  one.firstTokenAt = nowMs;
  const firstMs = nowMs - (one.sentAt ?? one.grantedAt) - wayMs;
  observeFirst(endpoint.observed, one.uncachedTokens, Math.max(0, firstMs), nowMs);
}

/** It answered to the end; `wayMs` of that is the round trip. */
export function done(
  endpoint: Endpoint,
  ticket: string,
  usage: Usage | undefined,
  wayMs: number,
  nowMs: number,
): void {
  const one = ended(endpoint, ticket);
  if (one === undefined) return;
  const { breaker, observed } = endpoint;
  succeeded(breaker);
  endpoint.fullInARow = 0;
  if (usage === undefined) return;
  one.taken.outputTokens = usage.outputTokens;
  const steps = Math.max(0, usage.outputTokens - 1);
  if (one.firstTokenAt === undefined) {
    // A whole answer does not tell when its first token was there.
    const decodeMs = steps * expectedOf(endpoint, nowMs).stepMs;
    const firstMs = nowMs - (one.sentAt ?? one.grantedAt) - wayMs - decodeMs;
    observeFirst(observed, one.uncachedTokens, Math.max(0, firstMs), nowMs);
  } else if (steps > 0) observeStep(observed, (nowMs - one.firstTokenAt) / steps, nowMs);
}

/** It failed; `kind` is a `LegFailure` kind. One that is full is left alone until it is not. */
export function failed(
  endpoint: Endpoint,
  ticket: string,
  kind: string,
  retryAfterMs: number | undefined,
  nowMs: number,
): void {
  const { breaker } = endpoint;
  if (ended(endpoint, ticket) === undefined) return;
  if (NOT_THE_ENGINE.has(kind)) return probeEnded(breaker, ticket);
  if (kind !== "overloaded") return void countFailure(breaker, ticket, nowMs);
  const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** endpoint.fullInARow);
  endpoint.fullInARow += 1;
  rest(breaker, nowMs + (retryAfterMs ?? restMs));
  probeEnded(breaker, ticket);
}

/** Its caller left, or took another placement. */
export function released(endpoint: Endpoint, ticket: string): void {
  const one = ended(endpoint, ticket);
  if (one === undefined) return;
  if (one.sentAt === undefined) giveBack(endpoint.limits, one.taken);
  probeEnded(endpoint.breaker, ticket);
}

function ended({ running }: Endpoint, ticket: string): Running | undefined {
  const one = running.get(ticket);
  running.delete(ticket);
  return one;
}
