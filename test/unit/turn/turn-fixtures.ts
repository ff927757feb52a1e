import { parseChat } from "../../../src/apps/chat/parse.ts";
import { createIdMinter } from "../../../src/core/ids.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import type { Receipt } from "../../../src/core/receipt.ts";
import type {
  LegAnswer,
  LegOrder,
  LegReport,
  RegionService,
  ReserveAsk,
} from "../../../src/region/service.ts";
import { defaultTurnSettings, type TurnDeps } from "../../../src/turn/deps.ts";
import { type Prepared, prepare } from "../../../src/turn/prepare.ts";
import { fleet } from "../plan/plan-fixtures.ts";

/** What a leg answers; the order and the signal that ends it are given. */
export type Engine = (order: LegOrder, signal: AbortSignal) => Promise<LegAnswer> | LegAnswer;

/** A turn's surroundings with engines that answer as told and a clock that stands still until moved. */
export async function surroundings(
  engine: Engine,
  heldTokens: Record<string, number> = {},
  planned = fleet(),
) {
  const asked: ReserveAsk[] = [];
  const ordered: LegOrder[] = [];
  const reported: LegReport[] = [];
  const receipts: Receipt[] = [];
  const clock = { nowMs: 1_000_000 };
  const region: RegionService = {
    reserve: async (ask) => {
      asked.push(ask);
      const engines = planned.pools.get(ask.pool)?.engines ?? [];
      const free = engines.find(({ id }) => !ask.avoid.includes(id));
      if (free === undefined) return { kind: "refused", reason: "none left", retryAfterMs: 1000 };
      const grant = {
        ticket: `${ask.requestId}:${ask.leg}:${asked.length}`,
        engine: free.id,
        pool: ask.pool,
        startAt: clock.nowMs,
        heldTokens: heldTokens[free.id] ?? 0,
        prefillMs: 100,
        stepMs: 10,
        reason: "told so",
      };
      return { kind: "granted", grant };
    },
    claim: async () => ({ kind: "refused", reason: "not queued", retryAfterMs: 0 }),
    withdraw: () => {},
    run: async (order, signal) => {
      ordered.push(order);
      return engine(order, signal);
    },
    report: (report) => void reported.push(report),
    reportsCache: async () => true,
  };
  const deps: TurnDeps = {
    fleet: planned,
    speeds: speedsOf(planned),
    capabilities: () => ({
      roles: ["prefill", "decode"],
      coupling: "handoff",
      order: "serial",
      prefillsAtDecode: true,
      cachedFrom: { together: true, disaggregated: "prefill" },
      splits: () => true,
      continues: true,
      canContinue: () => true,
      safeEnd: { betweenLegs: "dispatch-and-abort", decodeInTransfer: "at-first-token" },
      firstTokenFrom: "decode",
      told: () => undefined,
      forClient: () => (json) => json,
      tookHandoff: ({ promptTokens, cachedTokens }) =>
        cachedTokens === undefined ? undefined : cachedTokens === promptTokens - 1,
    }),
    region,
    sessions: { open: async () => undefined, settle: async () => undefined },
    receipts: { add: (receipt) => void receipts.push(receipt) },
    views: () => [],
    rtt: { ms: (name) => (name === "ams" ? 90 : 5), observe: () => {} },
    edge: "iad",
    ids: await createIdMinter("0123456789abcdef0123456789abcdef"),
    charsPerToken: { get: () => 4, learn: () => {} },
    now: () => clock.nowMs,
    random: seededRandom(3),
    waitUntil: () => {},
    settings: defaultTurnSettings,
  };
  return { deps, asked, ordered, reported, receipts, clock };
}

/** A cold prompt of about 20,000 tokens, streamed or not. */
export async function coldTurn(
  deps: TurnDeps,
  signal: AbortSignal = new AbortController().signal,
  stream = true,
  shown: readonly object[] = [],
): Promise<Prepared> {
  const content = [{ type: "text", text: "word ".repeat(16_000) }, ...shown];
  const messages = [{ role: "user", content: shown.length > 0 ? content : "word ".repeat(16_000) }];
  const body = JSON.stringify({ model: "large", messages, stream, max_tokens: 300 });
  const parsed = parseChat(new TextEncoder().encode(body));
  if (!parsed.ok) throw new TypeError(parsed.error.message);
  const turn = {
    requestId: "req_1",
    receiptId: "rct_1",
    tenant: "acme",
    request: parsed.request,
    signal,
    startedAt: deps.now(),
    explain: "short",
  } as const;
  return prepare(deps, turn, { kind: "unknown", nameWith: async () => undefined }, "salt", {});
}

/** A prefill leg's answer with the handle `{"block":1}`. */
export function prefilled(cachedTokens = 0): LegAnswer {
  const usage = { promptTokens: 20_000, outputTokens: 1, cachedTokens };
  return { ok: true, kind: "prefilled", handoff: '{"block":1}', usage };
}

/** An answer that has begun; `onCancel` hears of its end. */
export function answering(onCancel: () => void = () => {}): LegAnswer {
  const body = new ReadableStream<Uint8Array>({ cancel: onCancel });
  return { ok: true, kind: "answering", contentType: "text/event-stream", body };
}

/** A failed leg. */
export function broken(kind: "unreachable" | "caller" | "stalled" | "aborted"): LegAnswer {
  return { ok: false, failure: { kind, message: kind } };
}
