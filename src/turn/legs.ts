import type { Granted } from "../core/grant/grant.ts";
import type { Standing } from "../core/grant/queue.ts";
import type { LegHints, LegKind, Told, Usage } from "../core/leg.ts";
import type { KvMoved, Work } from "../core/receipt.ts";
import type {
  LegAhead,
  LegAnswer,
  LegFailure,
  LegOrder,
  LegReport,
  ReserveAsk,
} from "../region/service.ts";
import type { TurnDeps } from "./deps.ts";
import { keepsKv } from "./kv/export.ts";
import type { Prepared } from "./prepare.ts";

/** One leg that was granted: what ran where, filled in as it goes. */
export type LegRun = {
  readonly leg: LegKind;
  readonly grant: Granted;
  readonly requestId: string;
  startedAt: number;
  endedAt?: number;
  firstTokenAt?: number;
  outcome?: Work["outcome"];
  why?: string;
  failure?: LegFailure["kind"];
  usage?: Usage;
  /** A decode leg that computed the prompt itself: what it was handed was gone. */
  recomputed?: boolean;
  /** A leg that another was asked to run, who does not tell whether it did. */
  isAssumed?: boolean;
  /** Engines that it was to have its media encoded by, each once; `isUnencoded` where it said that this failed. */
  encoders?: readonly string[];
  isUnencoded?: boolean;
  /** What its endpoint told of the engines that it chose. */
  told?: Told;
  /** What came of a stored state that its engine might lack. */
  imported?: KvMoved;
  /** That state, where it is no use to any engine. */
  spoiled?: string;
  /** Its engine would not pull the prefix that it was granted to. */
  refusedPull?: true;
  /** Frames that brought tokens, of a stream that ended without its usage. */
  tokenFrames?: number;
};

/** What is known of a leg at its end. */
export type LegEnd = {
  readonly usage?: Usage | undefined;
  readonly why?: string | undefined;
  readonly failure?: LegFailure["kind"] | undefined;
  /** It may as well have been the other leg's engine. */
  readonly isUnclear?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly tokenFrames?: number;
  readonly told?: Told | undefined;
};

export type Reserved =
  | { readonly ok: true; readonly run: LegRun }
  | { readonly ok: false; readonly failure: LegFailure; readonly engines: readonly string[] };

/** Asks the region service for an engine of a pool. Nothing runs yet. */
export async function reserve(
  deps: TurnDeps,
  turn: Prepared,
  order: {
    readonly leg: LegKind;
    readonly pool: string;
    readonly requestId: string;
    readonly avoid: readonly string[];
    /** Prompt tokens that a handoff brings along. */
    readonly handedTokens: number;
    /** A queue that takes longer than this is left for another placement, epoch ms. */
    readonly startBy: number;
    /** Runs as soon as it is granted, with this patience; absent where something else has to come first. */
    readonly firstTokenTimeoutMs?: number;
    readonly given?: Pick<LegOrder, "kept">;
  },
): Promise<Reserved> {
  const { startBy, firstTokenTimeoutMs, given, ...leg } = order;
  const holdings = turn.session.opened?.holdings ?? [];
  const ask: ReserveAsk = {
    v: 1,
    ...leg,
    ask: turn.ask,
    chain: turn.chain.bytes,
    linkTokens: turn.linkTokens,
    held: turn.held,
    heldAt: Object.fromEntries(holdings.map(({ engine, at }) => [engine, at])),
    standing: standingOf(deps, turn),
    now: deps.now(),
  };
  const ahead =
    firstTokenTimeoutMs === undefined
      ? undefined
      : { ...aheadOf(deps, turn, order, firstTokenTimeoutMs), ...given };
  let answer = await deps.region.reserve(ask, ahead);
  while (answer.kind === "queued") {
    const place = { v: 1, pool: order.pool, ticket: answer.ticket } as const;
    if (turn.signal.aborted || answer.startAt > startBy) {
      deps.region.withdraw(place);
      return notGranted(order.pool, "its queue is too long", answer.startAt - deps.now());
    }
    answer = await deps.region.claim(place, turn.signal);
  }
  if (answer.kind === "refused") {
    return notGranted(order.pool, answer.reason, answer.retryAfterMs, answer.full);
  }
  const { requestId } = order;
  // What a leg fetches by a handle it need not look for.
  const grant = given?.kept === undefined ? answer.grant : withoutPull(answer.grant);
  return { ok: true, run: { leg: order.leg, grant, requestId, startedAt: deps.now() } };
}

function withoutPull({ pull: _pull, ...grant }: Granted): Granted {
  return grant;
}

function notGranted(pool: string, reason: string, retryAfterMs: number, full = false): Reserved {
  const failure = { kind: "overloaded", message: `${pool}: ${reason}`, retryAfterMs } as const;
  return { ok: false, engines: [], failure: full ? { ...failure, status: 429 } : failure };
}

/** Interactive turns go before batch, those that paid for priority before both. Only batch work has a deadline. */
function standingOf({ fleet }: TurnDeps, turn: Prepared): Standing {
  const { tenant, labels, startedAt } = turn;
  const isBatch = labels.urgency === "batch";
  return {
    tenant,
    priority: priorityOf(turn),
    deadlineAt: isBatch ? startedAt + fleet.slo.batch.deadlineMs : Infinity,
  };
}

function priorityOf({ labels, request }: Prepared): LegHints["priority"] {
  if (labels.urgency === "batch") return 0;
  return request.serviceTier === "priority" ? 2 : 1;
}

/** Gives a grant back that was never used. */
export function release(deps: TurnDeps, run: LegRun): void {
  deps.region.report({ v: 1, ticket: run.grant.ticket, event: "released", now: deps.now() });
}

/** Marks a leg as running: from now on it is in the books, whatever becomes of it. */
export function begin(deps: TurnDeps, run: LegRun, runs: LegRun[]): void {
  run.startedAt = deps.now();
  runs.push(run);
}

/** Ends a leg in the books: its report frees what the grant held. Only the first end counts. */
export function finish(
  deps: TurnDeps,
  run: LegRun,
  outcome: Work["outcome"],
  end: LegEnd = {},
): void {
  if (run.outcome !== undefined) return;
  const { usage, why, failure, isUnclear, retryAfterMs, tokenFrames, told } = end;
  run.outcome = outcome;
  run.endedAt = deps.now();
  if (usage !== undefined) run.usage = usage;
  if (why !== undefined) run.why = why;
  if (failure !== undefined) run.failure = failure;
  if (tokenFrames !== undefined) run.tokenFrames = tokenFrames;
  if (told !== undefined) run.told = told;
  deps.region.report({
    v: 1,
    ticket: run.grant.ticket,
    event: outcome === "served" ? "done" : outcome === "failed" ? "failed" : "released",
    elapsedMs: run.endedAt - run.startedAt,
    ...(usage !== undefined && { usage }),
    ...fetchedBy(run),
    ...(failure !== undefined && { failure: isUnclear ? "handoff" : failure }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    now: run.endedAt,
  });
}

/** What came of the prefix that a leg was granted to pull. */
function fetchedBy({ grant, told, refusedPull }: LegRun): Pick<LegReport, "fetched"> {
  if (grant.pull === undefined) return {};
  const fetched = refusedPull ? "refused" : told?.fetched;
  return fetched === undefined ? {} : { fetched };
}

/** Sends a leg. */
export async function send(
  deps: TurnDeps,
  run: LegRun,
  order: LegOrder,
  signal: AbortSignal,
): Promise<LegAnswer> {
  const answer = await deps.region.run(order, signal);
  if (answer.refusedPull) run.refusedPull = true;
  return answer;
}

/** What the region service is told to send. */
export function orderFor(
  deps: TurnDeps,
  turn: Prepared,
  run: LegRun,
  firstTokenTimeoutMs: number,
  given: Pick<LegOrder, "handoff" | "kept" | "split" | "cacheThreshold"> = {},
): LegOrder {
  return {
    ...aheadOf(deps, turn, { ...run, pool: run.grant.pool }, firstTokenTimeoutMs),
    ticket: run.grant.ticket,
    engine: run.grant.engine,
    ...(run.grant.pull && { pull: run.grant.pull.from }),
    ...given,
  };
}

/** The part of an order that is known before its engine is. */
function aheadOf(
  deps: TurnDeps,
  turn: Prepared,
  { leg, pool, requestId }: Pick<LegRun, "leg" | "requestId"> & { readonly pool: string },
  firstTokenTimeoutMs: number,
): LegAhead {
  return {
    v: 1,
    // It answers with all it was asked for, though it only prefills.
    ...(turn.request.embeds ? { leg: "both", embeds: true } : { leg }),
    requestId,
    path: turn.request.path,
    body: turn.request.bytes,
    stream: turn.request.stream,
    cacheSalt: turn.salt,
    ...(turn.session.name !== undefined && { session: turn.session.name }),
    ...pinsOf(turn),
    ...(leg !== "prefill" && keepsKv(deps, turn, pool) && { keeps: true }),
    ...(turn.chain.media.length > 0 && { media: turn.chain.media }),
    hints: {
      priority: priorityOf(turn),
      outputTokens: turn.ask.expectedOutputTokens,
      ...(turn.tenantTag !== undefined && { tenant: turn.tenantTag }),
    },
    firstTokenTimeoutMs,
    idleTimeoutMs: deps.settings.idleTimeoutMs,
  };
}

/** What engines told when they served this session last. */
function pinsOf({ session }: Prepared): Pick<LegAhead, "pins"> {
  const pins = (session.opened?.holdings ?? []).flatMap(({ engine, pin }) =>
    pin === undefined ? [] : [[engine, pin] as const],
  );
  return pins.length === 0 ? {} : { pins: Object.fromEntries(pins) };
}
