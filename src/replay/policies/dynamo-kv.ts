import type { EngineGauges, PolicyEntry, PolicySetup, ReplayRequest } from "../policy.ts";
import { sendTo, usableEngines } from "./choose.ts";
import { type DynamoWeights, dynamoCost, dynamoDraw } from "./dynamo-cost.ts";
import { dynamoQueueKey } from "./dynamo-queue.ts";
import { ExpectedMatch } from "./expected-match.ts";
import { HeldRequests } from "./held-requests.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * NVIDIA Dynamo's KV router (`lib/kv-router/src/scheduling/{selector,policy,queue}.rs` @01690d42,
 * `router-configuration.md` @2e203cc6): the lowest cost in blocks. Requests wait while every worker has more than
 * `queueThreshold` times an iteration of prompt tokens to prefill; its documents give 2, 4 and none as the default.
 */
export function dynamoKv(params: DynamoKvParams = {}): PolicyEntry {
  return {
    name: "dynamo-kv",
    instances: "edge",
    create(setup) {
      const unseen = new UnseenSends(setup);
      const match = new ExpectedMatch(setup, params.predictsOnRoute ?? false);
      const queue = new HeldRequests(setup, {
        mayGo: (request) => !areAllBusy(setup, unseen, request, params),
        keyOf: (request) => dynamoQueueKey(setup, match, request, params.queuePolicy ?? "wspt"),
        route: (request) =>
          sendTo(select(setup, unseen, match, request, { ...DEFAULTS, ...params })),
        recheckMs: params.recheckMs ?? 50,
      });
      return {
        route: (request) => queue.enter(request),
        firstToken: () => queue.look(),
        finished: () => queue.look(),
      };
    },
  };
}

export type DynamoKvParams = Partial<DynamoWeights> & {
  /** 0 takes the lowest cost. */
  readonly temperature?: number;
  /** In iterations of prompt tokens; 4 unless told, Infinity for no queue. */
  readonly queueThreshold?: number;
  /** Tokens of an iteration (`max_num_batched_tokens`); the engine's own unless told. */
  readonly batchTokens?: number;
  readonly queuePolicy?: "fcfs" | "wspt" | "lcfs";
  /** Counts what it sent as held before it is computed (`--router-predict-on-route`); false unless told. */
  readonly predictsOnRoute?: boolean;
  /** Looks at its queue at least this often, ms: others' requests end unheard. */
  readonly recheckMs?: number;
};

const DEFAULTS = {
  overlapScoreCredit: 1,
  overlapCreditDecay: 0,
  prefillLoadScale: 1,
  activeRequestWeight: 0,
  formula: "sum",
  temperature: 0,
} as const;

function activePrefillTokens(unseen: UnseenSends, engine: EngineGauges): number {
  return engine.queuedTokens + unseen.of(engine).uncachedTokens;
}

function areAllBusy(
  setup: PolicySetup,
  unseen: UnseenSends,
  request: ReplayRequest,
  { queueThreshold = 4, batchTokens }: DynamoKvParams,
): boolean {
  const engines = usableEngines(setup, request);
  const isBusy = (one: EngineGauges) =>
    activePrefillTokens(unseen, one) > queueThreshold * (batchTokens ?? one.chunkTokens);
  return engines.length > 0 && engines.every(isBusy);
}

function select(
  setup: PolicySetup,
  unseen: UnseenSends,
  match: ExpectedMatch,
  request: ReplayRequest,
  params: DynamoWeights & { readonly temperature: number },
): EngineGauges | undefined {
  const engines = usableEngines(setup, request);
  const active = engines.map((one) => activePrefillTokens(unseen, one));
  const leastActivePrefillTokens = Math.min(...active);
  const { blockTokens } = setup;
  const costs = engines.map((one, at) => {
    const { requests, promptTokens } = unseen.of(one);
    const liveTokens = one.kvUsedTokens + waitingTokens(one) + promptTokens;
    const load = {
      activePrefillTokens: active[at] ?? 0,
      leastActivePrefillTokens,
      promptTokens: request.promptTokens,
      cachedTokens: match.of(one, request),
      decodeBlocks: (liveTokens + request.promptTokens) / blockTokens,
      activeRequests: one.waiting + one.running + requests,
      blockTokens,
    };
    return dynamoCost(load, params);
  });
  const engine = engines[dynamoDraw(costs, params.temperature, setup.random)];
  if (engine) unseen.add(engine, request, match.of(engine, request));
  if (engine) match.add(engine, request);
  return engine;
}

/** Prompt tokens of requests that are not in the batch yet: their share of what waits for prefill. */
function waitingTokens({ queuedTokens, waiting, running, decoding }: EngineGauges): number {
  return waiting === 0 ? 0 : (queuedTokens * waiting) / (waiting + running - decoding);
}
