import { formatSessionId } from "./session-id.ts";
import { after } from "./after.ts";
import type { Holding } from "../rpc/session-messages.ts";
import { actual, buildReceipt } from "./build-receipt.ts";
import { resolveHandoff, resolveSilence } from "./cached-figure.ts";
import type { TurnDeps } from "./deps.ts";
import type { KvMoved } from "../core/receipt.ts";
import { exportKv, planKvExport } from "./kv/export.ts";
import { finish, type LegRun } from "./legs.ts";
import { type Outcome, servedLegs } from "./outcome.ts";
import { isCounted, type Prepared } from "./prepare.ts";
import { promptCount } from "./segments.ts";

/**
 * Step 8: tells the session what the turn did and writes the receipt. Never throws: a lost session object costs
 * knowledge, not the answer.
 */
export async function settle(
  deps: TurnDeps,
  turn: Prepared,
  outcome: Outcome,
  answer: string | undefined,
): Promise<void> {
  const { ref, opened } = turn.session;
  turn.once?.ended(outcome.status);
  const name =
    turn.session.name ??
    (ref.kind === "unknown" && answer !== undefined ? await ref.nameWith(answer) : undefined);
  const { runs } = outcome.tried;
  const legs = servedLegs(outcome);
  const prefilled = Promise.all(legs.map((one) => one.prefilled));
  await Promise.race([prefilled, after(deps.settings.settleHoldMs)]);
  const late = legs.flatMap((one) => (one.prefilled && one.prefill ? [one.prefill] : []));
  for (const run of runs) if (!late.includes(run)) finish(deps, run, "cancelled", GIVEN_UP);
  // Known at once, unless an engine has to be probed: the session is told before that, as the next turn is on its way.
  const resolved = legs.map((one) => resolveHandoff(deps, turn, one));
  const count = promptCount(deps, turn, outcome);
  // What was counted in tokens would be taken for text.
  const isText = turn.chain.media.length === 0 && !isCounted(turn.request);
  if (outcome.served?.answer.usage && isText)
    deps.charsPerToken.learn(turn.model.id, turn.chain.totalChars, count.promptTokens);
  const exporting = planKvExport(deps, turn, outcome, count.promptTokens, name);
  const spoiled = runs.find((run) => run.spoiled !== undefined)?.spoiled;
  const { usd, uncachedUsd } = actual(turn, outcome, count);
  const settled =
    name === undefined
      ? undefined
      : await deps.sessions.settle(name, {
          v: 1,
          tenant: turn.tenant,
          model: turn.model.id,
          requestId: turn.requestId,
          branch: opened?.branch ?? 0,
          inferred: ref.kind !== "named",
          chain: turn.chain.bytes,
          answers: turn.answers,
          chars: turn.chain.totalChars,
          ...(answer !== undefined && { answer }),
          status: outcome.status,
          promptTokens: count.promptTokens,
          ...(count.cachedTokens !== undefined && { cachedTokens: count.cachedTokens }),
          outputTokens: outcome.outputTokens,
          usd: usd ?? 0,
          ...(usd !== undefined &&
            uncachedUsd !== undefined && { savedUsd: Math.max(0, uncachedUsd - usd) }),
          existed: (opened?.stats.lastAt ?? 0) > 0,
          receipt: turn.receiptId,
          ...(turn.once && { once: turn.once.name }),
          holdings: holdingsAfter(deps, turn, outcome, count.promptTokens),
          ...(outcome.kept && { kept: outcome.kept }),
          lost: runs.filter(isLost).map(engineOf),
          ...(exporting?.going?.key !== undefined && { blob: exporting.going.key }),
          ...(spoiled !== undefined && { spoiled }),
          now: outcome.endedAt,
        });
  // Its session was erased meanwhile, and its answer is to go with that.
  if (settled?.turn === 0) turn.once?.ended("cancelled");
  const sessionId =
    name === undefined
      ? ""
      : await formatSessionId(deps, name, settled?.branch ?? opened?.branch ?? 0);
  if (late.length > 0) {
    await Promise.race([prefilled, after(LATE_MS)]);
    for (const run of late) finish(deps, run, "cancelled", GIVEN_UP);
  }
  // Who embeds cannot be probed with a chat.
  const silent = turn.request.embeds ? [] : runs;
  await Promise.all([...resolved, resolveSilence(deps, silent)]);
  const write = (exported?: KvMoved) =>
    deps.receipts.add(buildReceipt(deps, turn, sessionId, settled?.turn ?? 0, outcome, exported));
  // The client's last frame does not wait for that, its receipt does.
  if (exporting) deps.waitUntil(exportKv(deps, turn, exporting, settled?.branch).then(write));
  else write();
}

const GIVEN_UP = { why: "given up" };
/** A prefill leg may tell what it did a moment after decode has ended: the receipt waits for that, the client does not, ms. */
const LATE_MS = 1500;

/** Every engine that worked on the prompt to its end now holds it; the one that decoded holds the answer as well. */
function holdingsAfter(
  deps: TurnDeps,
  turn: Prepared,
  outcome: Outcome,
  promptTokens: number,
): Holding[] {
  const legs = servedLegs(outcome);
  const last = legs.at(-1);
  if (last === undefined) return [];
  const links = turn.chain.bytes.byteLength / 8;
  const base = { links, tier: "hbm", at: outcome.endedAt } as const;
  const holdings: Holding[] = [
    {
      ...base,
      engine: last.answer.grant.engine,
      tokens: promptTokens + (keepsAnswers(deps, last.answer) ? outcome.outputTokens : 0),
      known: outcome.status === "completed" ? "reported" : "assumed",
      ...pinOf(deps, last.answer),
    },
  ];
  for (const { prefill } of legs) {
    if (prefill === undefined) continue;
    const { engine } = prefill.grant;
    holdings.push({ ...base, engine, tokens: promptTokens, known: "assumed" });
  }
  return holdings;
}

/** What sends the next turn to the same engines behind a URL, kept where their pool allows it. */
function pinOf({ fleet }: TurnDeps, { grant, told }: LegRun): Pick<Holding, "pin"> {
  const isAllowed = fleet.pools.get(grant.pool)?.workerPins === true;
  return isAllowed && told?.pin !== undefined ? { pin: told.pin } : {};
}

/** Hosted APIs promise to cache what they were sent, not what they said. */
function keepsAnswers({ fleet }: TurnDeps, { grant }: LegRun): boolean {
  return fleet.pools.get(grant.pool)?.routed !== "itself";
}

/** A leg that could not reach the other engine of its split has told nothing of its own. */
function isLost({ failure, outcome }: LegRun): boolean {
  return failure === "unreachable" && outcome === "failed";
}

function engineOf({ grant }: LegRun): string {
  return grant.engine;
}
