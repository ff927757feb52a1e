import { decideExport, type ExportDecision } from "../../core/kv-export/decide-export.ts";
import type { KvTier } from "../../core/kv-export/tiers.ts";
import type { KvMoved } from "../../core/receipt.ts";
import { maxHoldings } from "../../core/session/state.ts";
import type { StoredKv } from "../../rpc/session-messages.ts";
import type { TurnDeps } from "../deps.ts";
import type { LegRun } from "../legs.ts";
import { type Outcome, servedLegs } from "../outcome.ts";
import type { Prepared } from "../prepare.ts";
import type { KvDeps } from "./deps.ts";
import { exportFacts, type KvSize } from "./facts.ts";

/** Whether a leg's engine is asked for a handle, as its KV cache is likely to be kept when all is said. */
export function keepsKv(deps: TurnDeps, turn: Prepared, pool: string): boolean {
  const { exportsKv } = deps.capabilities(turn.dialectOf(pool));
  if (deps.kv === undefined || exportsKv === undefined) return false;
  const tokens = turn.ask.promptTokens + turn.ask.expectedOutputTokens;
  const size = { tokens, bytes: tokens * turn.model.kvBytesPerToken };
  return decide(deps, turn, pool, size)?.tier !== undefined;
}

/** What is to be exported after a turn, or why nothing is. */
export type KvExport = {
  readonly decision: ExportDecision;
  readonly run: LegRun;
  /** That prefilled it, where another did. */
  readonly prefill?: LegRun;
  readonly size: KvSize;
  /** Present where it is done. */
  readonly going?: {
    readonly kv: KvDeps;
    readonly tier: KvTier;
    readonly session: string;
    readonly handle: string;
    /** Its key in R2. */
    readonly key?: string;
  };
};

/** Decides on what an engine told of the state that it keeps; undefined where its engine never exports. */
export function planKvExport(
  deps: TurnDeps,
  turn: Prepared,
  outcome: Outcome,
  promptTokens: number,
  session: string | undefined,
): KvExport | undefined {
  const { kv } = deps;
  const { status, outputTokens, handle } = outcome;
  // Who went on with it to its end holds all of it.
  const served = servedLegs(outcome).at(-1);
  if (!kv || !served || status !== "completed" || session === undefined) return undefined;
  const run = served.answer;
  const { pool } = run.grant;
  const { exportsKv } = deps.capabilities(turn.dialectOf(pool));
  if (exportsKv === undefined) return undefined;
  const tokens = promptTokens + outputTokens;
  const told = handle === undefined ? undefined : exportsKv.told(handle);
  const size = told ?? { tokens, bytes: tokens * turn.model.kvBytesPerToken };
  const decision = decide(deps, turn, pool, size);
  if (decision === undefined) return undefined;
  const { tier } = decision;
  if (tier === undefined || told === undefined || handle === undefined) {
    return { decision, run, size };
  }
  const key = tier === "object" ? { key: blobKey(turn, session) } : {};
  const going = { kv, tier, session, handle, ...key };
  return { decision, run, size, going, ...(served.prefill && { prefill: served.prefill }) };
}

/** A tenant's states are below one prefix, and a session's below one of these. */
function blobKey({ tenant, tenantTag, receiptId }: Prepared, session: string): string {
  return `kv/${tenantTag ?? encodeURIComponent(tenant)}/${session}/${receiptId}`;
}

function decide(deps: TurnDeps, turn: Prepared, pool: string, size: KvSize) {
  const facts = exportFacts(deps, turn, pool, size);
  return facts && decideExport(facts);
}

/** Takes the KV cache out of its engine and keeps it for a branch. Never throws: what fails leaves nothing. */
export async function exportKv(
  deps: TurnDeps,
  turn: Prepared,
  planned: KvExport,
  branch: number | undefined,
): Promise<KvMoved> {
  const { decision, run, size, going } = planned;
  const { engine } = run.grant;
  const reasons = decision.reasons.map(({ says }) => says);
  const about = { engine, tokens: size.tokens, reasons };
  if (going === undefined) {
    const isUnasked = decision.tier !== undefined;
    return isUnasked ? { ...about, failed: "its engine gave no handle to it" } : about;
  }
  const { kv, tier, session, handle, key } = going;
  const startedAt = deps.now();
  const moved = { ...about, tier, startedAt };
  const fails = (failed: string): KvMoved => ({ ...moved, endedAt: deps.now(), failed });
  if (branch === undefined) return fails("its session did not answer");
  const id = turn.receiptId;
  const seal = { key: await kv.keyOf(turn.tenant, id), salt: turn.salt };
  const deadline = AbortSignal.timeout(EXPORT_MS);
  const [read, instances] = await Promise.all([
    kv.engines.read({ v: 1, engine, handle, ...seal }, deadline),
    instancesOf(turn, planned, kv, deadline),
  ]);
  if (!read.ok) return fails(read.why);
  const stored: StoredKv = {
    id,
    tier,
    ...(key !== undefined && { key }),
    links: turn.chain.bytes.byteLength / 8,
    tokens: size.tokens,
    bytes: size.bytes,
    engine,
    instances,
    at: startedAt,
  };
  const ask = { v: 1, tenant: turn.tenant, branch, kv: stored } as const;
  const kept = await kv.tiers.keep(session, ask, read.body);
  return kept.ok ? { ...moved, bytes: kept.bytes, endedAt: deps.now() } : fails(kept.why);
}

/** Those that hold the conversation, as they are now; others as they were when they were last asked. */
async function instancesOf(
  { session }: Prepared,
  { run, prefill }: KvExport,
  kv: KvDeps,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const engines = [run, prefill].flatMap((leg) => leg?.grant.engine ?? []);
  const told = await Promise.all(
    engines.map(async (engine) => [engine, await kv.engines.instance(engine, signal)] as const),
  );
  const before = Object.entries(session.opened?.stored?.instances ?? {});
  const now = told.filter((one): one is readonly [string, string] => one[1] !== undefined);
  const others = before.filter(([engine]) => !engines.includes(engine));
  return Object.fromEntries([...now, ...others].slice(0, maxHoldings));
}

/** Work after an answer has 30 s, of which the session's own calls need a few, ms. */
const EXPORT_MS = 20_000;
