import type { Placement } from "../core/plan/placement.ts";
import type { Work } from "../core/receipt.ts";
import type { LegKind, Usage } from "../core/leg.ts";
import type { Grant, LegAnswer, LegFailure, ReserveAsk } from "../region/service.ts";
import type { TurnDeps } from "./deps.ts";
import type { Prepared } from "./prepare.ts";

/** One leg that was granted: what ran where, filled in as it goes. */
export type LegRun = {
  readonly leg: LegKind;
  readonly grant: Grant;
  readonly requestId: string;
  startedAt: number;
  endedAt?: number;
  firstTokenAt?: number;
  outcome?: Work["outcome"];
  why?: string;
  usage?: Usage;
};

export type Attempt =
  | {
      readonly ok: true;
      readonly placement: Placement;
      readonly prefill?: LegRun;
      readonly answer: LegRun;
      readonly contentType: string;
      readonly body: ReadableStream<Uint8Array>;
    }
  | { readonly ok: false; readonly failure: LegFailure; readonly engine: string };

/**
 * Runs one placement up to its first content: the decode engine is reserved first, prefill runs only with decode
 * granted. Everything that ran is added to `runs`, whatever became of it.
 */
export async function attempt(
  deps: TurnDeps,
  turn: Prepared,
  placement: Placement,
  requestId: string,
  avoid: readonly string[],
  runs: LegRun[],
): Promise<Attempt> {
  const split = placement.prefill !== undefined;
  const decode = await reserve(
    deps,
    turn,
    split ? "decode" : "both",
    placement.decode.pool,
    requestId,
    avoid,
    split,
  );
  if (!decode.ok) return decode;
  if (placement.prefill === undefined) {
    return answerLeg(deps, turn, placement, decode.run, runs, undefined);
  }
  const prefill = await reserve(
    deps,
    turn,
    "prefill",
    placement.prefill.pool,
    requestId,
    avoid,
    false,
  );
  if (!prefill.ok) {
    release(deps, decode.run);
    return prefill;
  }
  begin(deps, prefill.run, runs);
  const answer = await deps.region.run(orderFor(deps, turn, prefill.run), turn.signal);
  if (!answer.ok || answer.kind !== "prefilled") {
    release(deps, decode.run);
    return failed(deps, prefill.run, answer, turn.signal);
  }
  finish(deps, prefill.run, "served", answer.usage);
  return answerLeg(deps, turn, placement, decode.run, runs, {
    run: prefill.run,
    handoff: answer.handoff,
  });
}

/** Ends a leg in the books: its report frees what the grant held. */
export function finish(
  deps: TurnDeps,
  run: LegRun,
  outcome: Work["outcome"],
  usage: Usage | undefined,
  why?: string,
  failure?: LegFailure["kind"],
): void {
  if (run.outcome !== undefined) return;
  run.outcome = outcome;
  run.endedAt = deps.now();
  if (usage !== undefined) run.usage = usage;
  if (why !== undefined) run.why = why;
  deps.region.report({
    v: 1,
    ticket: run.grant.ticket,
    event: outcome === "served" ? "done" : outcome === "failed" ? "failed" : "released",
    elapsedMs: run.endedAt - run.startedAt,
    ...(usage !== undefined && { usage }),
    ...(failure !== undefined && { failure }),
    now: run.endedAt,
  });
}

function begin(deps: TurnDeps, run: LegRun, runs: LegRun[]): void {
  run.startedAt = deps.now();
  runs.push(run);
}

async function answerLeg(
  deps: TurnDeps,
  turn: Prepared,
  placement: Placement,
  run: LegRun,
  runs: LegRun[],
  prefilled: { readonly run: LegRun; readonly handoff: string | undefined } | undefined,
): Promise<Attempt> {
  begin(deps, run, runs);
  // A decode leg in transfer must not be aborted before its first token, or the engine may crash or strand blocks.
  const gentle =
    prefilled !== undefined &&
    deps.capabilities(turn.dialectOf(run.grant.pool)).decodeInTransfer === "at-first-token";
  const signal = gentle ? new AbortController().signal : turn.signal;
  const answer = await deps.region.run(orderFor(deps, turn, run, prefilled?.handoff), signal);
  if (!answer.ok || answer.kind !== "answering") return failed(deps, run, answer, turn.signal);
  run.firstTokenAt = deps.now();
  deps.region.report({
    v: 1,
    ticket: run.grant.ticket,
    event: "first-token",
    elapsedMs: run.firstTokenAt - run.startedAt,
    now: run.firstTokenAt,
  });
  const { contentType, body } = answer;
  const attempt = { ok: true, placement, answer: run, contentType, body } as const;
  return prefilled ? { ...attempt, prefill: prefilled.run } : attempt;
}

function failed(deps: TurnDeps, run: LegRun, answer: LegAnswer, signal: AbortSignal): Attempt {
  const failure: LegFailure = answer.ok
    ? { kind: "malformed", message: "the engine answered another leg than it was sent" }
    : answer.failure;
  finish(
    deps,
    run,
    signal.aborted ? "cancelled" : "failed",
    undefined,
    failure.message,
    failure.kind,
  );
  return { ok: false, failure, engine: run.grant.engine };
}

function release(deps: TurnDeps, run: LegRun): void {
  deps.region.report({ v: 1, ticket: run.grant.ticket, event: "released", now: deps.now() });
}

async function reserve(
  deps: TurnDeps,
  turn: Prepared,
  leg: LegKind,
  pool: string,
  requestId: string,
  avoid: readonly string[],
  handed: boolean,
): Promise<{ ok: true; run: LegRun } | { ok: false; failure: LegFailure; engine: string }> {
  const ask: ReserveAsk = {
    v: 1,
    requestId,
    leg,
    pool,
    ask: turn.ask,
    chain: turn.chain.bytes,
    linkTokens: turn.linkTokens,
    held: turn.held,
    urgency: turn.labels.urgency,
    avoid,
    handedTokens: handed ? turn.ask.promptTokens : 0,
    now: deps.now(),
  };
  const answer = await deps.region.reserve(ask);
  if (answer.kind === "granted") {
    return { ok: true, run: { leg, grant: answer.grant, requestId, startedAt: deps.now() } };
  }
  const retryAfterMs = answer.kind === "queued" ? answer.startAt - deps.now() : answer.retryAfterMs;
  const reason = answer.kind === "queued" ? "queued" : answer.reason;
  return {
    ok: false,
    engine: "",
    failure: { kind: "overloaded", message: `${pool}: ${reason}`, retryAfterMs },
  };
}

function orderFor(deps: TurnDeps, turn: Prepared, run: LegRun, handoff?: string) {
  return {
    v: 1,
    ticket: run.grant.ticket,
    engine: run.grant.engine,
    leg: run.leg,
    requestId: run.requestId,
    path: "/v1/chat/completions",
    body: turn.request.bytes,
    stream: turn.request.stream,
    ...(handoff !== undefined && { handoff }),
    firstTokenTimeoutMs: deps.settings.firstTokenTimeoutMs,
    idleTimeoutMs: deps.settings.idleTimeoutMs,
  } as const;
}
