import type { GrantAsk } from "../core/grant/grant.ts";
import type { PullEnd } from "../core/grant/pulled.ts";
import type { Reserved } from "../core/grant/reserve.ts";
import type {
  RegionAnswer,
  RegionEvent,
  RegionReports,
  RegionReserve,
} from "../rpc/region-messages.ts";
import type { LegReport, ReserveAsk } from "./service.ts";

/** An ask under the ticket by which its caller knows whatever comes of it. */
export type NamedAsk = ReserveAsk & { readonly ticket: string };

/** A `reserve` as it crosses to a Region object, whose clock is another. */
export function reserveMessage(
  region: string,
  ask: NamedAsk,
  known: {
    readonly nowMs: number;
    readonly snapshotAgeMs: number;
    readonly reports: RegionReports;
  },
): RegionReserve {
  const { tenant, priority, deadlineAt } = ask.standing;
  const heldAt = Object.entries(ask.heldAt);
  return {
    v: ask.v,
    region,
    wanted: { ...wantedOf(ask), ticket: ask.ticket },
    heldAgesMs: Object.fromEntries(heldAt.map(([engine, at]) => [engine, known.nowMs - at])),
    standing: { tenant, priority, deadlineInMs: deadlineAt - known.nowMs },
    snapshotAgeMs: known.snapshotAgeMs,
    reports: known.reports,
  };
}

/** The part of an ask that the ledger reads. */
export function wantedOf(from: ReserveAsk): GrantAsk {
  const { requestId, leg, pool, ask, chain, linkTokens, held, avoid, handedTokens } = from;
  return { requestId, leg, pool, ask, chain, linkTokens, held, avoid, handedTokens };
}

/** A region's answer with its times in the caller's clock. */
export function answerAt(nowMs: number, answer: RegionAnswer): Reserved {
  if (answer.kind === "refused") return answer;
  if (answer.kind === "granted") {
    const { startInMs, ...grant } = answer.grant;
    return { kind: "granted", grant: { ...grant, startAt: nowMs + startInMs } };
  }
  const { ticket, startInMs, askInMs } = answer;
  return { kind: "queued", ticket, startAt: nowMs + startInMs, askAt: nowMs + askInMs };
}

/** What a leg's report tells its region, with what its engine told; `grantedAt` in epoch ms. */
export function eventOf(
  report: LegReport,
  pool: string,
  grantedAt: number,
  { told, cachedShare }: Pick<RegionEvent, "told" | "cachedShare">,
): RegionEvent {
  const { ticket, event, now, usage, failure, retryAfterMs } = report;
  const pulled = pullEndOf(report);
  return {
    ticket,
    event,
    pool,
    afterMs: now - grantedAt,
    ...(usage !== undefined && { outputTokens: usage.outputTokens }),
    ...(failure !== undefined && { failure }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(told !== undefined && { told }),
    ...(cachedShare !== undefined && { cachedShare }),
    ...(pulled !== undefined && { pulled }),
  };
}

/** How much of the prompt a pull brought; what the engine had of it besides counts, as the longer of both is kept. */
function pullEndOf({ fetched, usage }: LegReport): PullEnd | undefined {
  if (fetched === undefined) return undefined;
  const { promptTokens = 0, cachedTokens = 0 } = usage ?? {};
  const share = (tokens: number) => (promptTokens > 0 ? Math.min(1, tokens / promptTokens) : 0);
  if (fetched === "refused") return { share: share(cachedTokens), why: "refused" };
  if ("failed" in fetched) return { share: share(cachedTokens), why: "failed" };
  // Of an answer that broke off nobody knows how long its prompt was.
  if (promptTokens <= 0) return undefined;
  return { share: share(Math.max(fetched.tokens, cachedTokens)) };
}
