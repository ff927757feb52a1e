import { decideImport, type ImportDecision } from "../../core/kv-export/decide-import.ts";
import type { KvMoved } from "../../core/receipt.ts";
import type { KvWritten } from "../../region/kv-service.ts";
import type { LegOrder } from "../../region/service.ts";
import type { StoredKv } from "../../rpc/session-messages.ts";
import type { TurnDeps } from "../deps.ts";
import type { LegRun } from "../legs.ts";
import type { Prepared } from "../prepare.ts";
import type { KvDeps } from "./deps.ts";
import { prefillOf, tierLink } from "./facts.ts";

/** What a leg is sent so that it goes on from a stored state. */
export type Brought = Pick<LegOrder, "handoff" | "kept">;

/** Whether something is stored that engines of a pool could take: a leg there waits until that is decided. */
export function mayBring(deps: TurnDeps, turn: Prepared, poolId: string): boolean {
  return bringable(deps, turn, poolId) !== undefined;
}

/**
 * Brings the stored state of a conversation to the engine that was granted, where that is quicker than to compute what
 * it lacks. Undefined, at once, where nothing is stored that it could take.
 */
export function bring(deps: TurnDeps, turn: Prepared, run: LegRun): Promise<Brought> | undefined {
  if (run.leg === "decode") return undefined;
  const found = bringable(deps, turn, run.grant.pool);
  return found && decideAndBring(deps, turn, run, found);
}

/**
 * Whether what the last turn's engine keeps for this one's prefill went with its process, so that the stored state takes
 * its place. Nobody is asked where nothing is stored.
 */
export async function hasLostKept(
  deps: TurnDeps,
  turn: Prepared,
  poolId: string,
): Promise<boolean> {
  const found = bringable(deps, turn, poolId);
  const engine = turn.session.opened?.kept?.engine;
  const known = engine === undefined ? undefined : found?.stored.instances?.[engine];
  if (!found || engine === undefined || known === undefined) return false;
  const deadline = AbortSignal.timeout(LEAST_MS);
  return (await found.kv.engines.instance(engine, deadline)) !== known;
}

type Found = { readonly kv: KvDeps; readonly stored: StoredKv; readonly session: string };

function bringable(deps: TurnDeps, turn: Prepared, poolId: string): Found | undefined {
  const { kv, fleet } = deps;
  const { opened, name: session } = turn.session;
  const stored = opened?.stored;
  if (!kv || !stored || session === undefined) return undefined;
  const pool = fleet.pools.get(poolId);
  if (!pool || deps.capabilities(pool.dialect).exportsKv === undefined) return undefined;
  const from = fleet.pools.get(stored.engine.slice(0, stored.engine.lastIndexOf("/")));
  if (pool.kvExport === "never" || from?.dialect !== pool.dialect) return undefined;
  if (from.model !== pool.model || from.kvLayout !== pool.kvLayout) return undefined;
  return kv.tiers.offered.includes(stored.tier) ? { kv, stored, session } : undefined;
}

async function decideAndBring(
  deps: TurnDeps,
  turn: Prepared,
  run: LegRun,
  found: Found,
): Promise<Brought> {
  const { stored } = found;
  const { engine, heldTokens } = run.grant;
  const decided = decide(deps, turn, run, stored, heldTokens);
  // What it held before it restarted, it holds no more: that only the engine itself can tell.
  const unless = decided.brings ? undefined : stored.instances?.[engine];
  const isAsked = unless !== undefined;
  const afresh = isAsked ? decide(deps, turn, run, stored, 0) : decided;
  const reasons = decided.reasons.map(({ says }) => says);
  if (!afresh.brings) {
    run.imported = { engine, reasons };
    return {};
  }
  const startedAt = deps.now();
  const written = await write(turn, run, found, unless, afresh.terms.importMs);
  const endedAt = deps.now();
  if (written.ok && written.kind === "held") {
    run.imported = { engine, startedAt, endedAt, reasons: [...reasons, LIVES_ON] };
    return {};
  }
  const why = isAsked ? [RESTARTED, ...afresh.reasons.map(({ says }) => says)] : reasons;
  const { tier, bytes } = stored;
  const moved: KvMoved = { tier, engine, startedAt, endedAt, reasons: why };
  if (!written.ok) {
    run.imported = { ...moved, failed: written.why };
    if (written.isSpoiled) run.spoiled = stored.id;
    return {};
  }
  const tokens = Math.min(stored.tokens, turn.ask.promptTokens - 1);
  run.imported = { ...moved, tokens, bytes };
  return run.leg === "prefill" ? { kept: written.handle } : { handoff: written.handle };
}

const LIVES_ON = "its engine has not restarted since";
const RESTARTED = "its engine has restarted since";

function decide(
  deps: TurnDeps,
  turn: Prepared,
  { grant }: LegRun,
  stored: StoredKv,
  heldTokens: number,
): ImportDecision {
  const { promptTokens } = turn.ask;
  const pool = deps.fleet.pools.get(grant.pool);
  const prefillMs = prefillOf(deps, turn, grant.pool, grant.engine);
  return decideImport({
    storedTokens: Math.min(stored.tokens, promptTokens - 1),
    bytes: stored.bytes,
    heldTokens,
    prefillMs: (cached) => prefillMs?.(promptTokens, cached) ?? 0,
    link: tierLink(deps, pool?.region ?? "", stored.tier),
    isAlways: pool?.kvExport === "always",
  });
}

async function write(
  turn: Prepared,
  { grant }: LegRun,
  { kv, stored, session }: Found,
  unless: string | undefined,
  expectedMs: number,
): Promise<KvWritten> {
  let isGone = false;
  const body = lazily(async () => {
    const opened = await kv.tiers.open(session, turn.tenant, stored);
    isGone = opened === undefined;
    return opened;
  });
  const ask = {
    v: 1,
    engine: grant.engine,
    salt: turn.salt,
    key: await kv.keyOf(turn.tenant, stored.id),
    ...(unless !== undefined && { unless }),
  } as const;
  const deadline = AbortSignal.timeout(LEAST_MS + PATIENCE * expectedMs);
  const written = await kv.engines.write(ask, body, AbortSignal.any([turn.signal, deadline]));
  return isGone ? { ok: false, why: "it is not there any more", isSpoiled: true } : written;
}

/** A stream that is opened when it is first read; one that is not there breaks off. */
function lazily(
  open: () => Promise<ReadableStream<Uint8Array> | undefined>,
): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream(
    {
      async pull(controller) {
        reader ??= (await open())?.getReader();
        if (reader === undefined) return controller.error(new Error("there is no such state"));
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** An import that takes so much longer than expected is given up, and the prompt computed. */
const PATIENCE = 4;
const LEAST_MS = 2000;
