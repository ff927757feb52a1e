import type { EngineGauges, PolicyEntry, PolicySetup, ReplayRequest } from "../policy.ts";
import type { PrefixModel } from "../prefix-model.ts";
import { leastOf, sendTo, usableEngines } from "./choose.ts";
import { HeldRequests } from "./held-requests.ts";
import { kvScores, queueScores, saturation, unsaturated } from "./llm-d-scores.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * llm-d's default scheduling profile with flow control (llm-d router, READMEs of the plugins under
 * `pkg/epp/framework/plugins` @12cb9ee): queue 2, KV cache 2, approximate prefix 3, the highest sum, any of several.
 * While the fleet is saturated requests wait, higher priority first, then first come first served; saturated engines
 * are passed over. As published it counts what engines report only; metrics older than 200 ms are used here, where
 * llm-d's would count as saturated.
 */
export function llmDDefault(params: LlmDParams = {}): PolicyEntry {
  const { queueDepth = 5, kvShare = 0.8, flowControl = true, countsUnseen = false } = params;
  const thresholds = { queueDepth, kvShare };
  return {
    name: "llm-d-default",
    instances: "edge",
    create(setup) {
      const unseen = new UnseenSends(setup);
      const waitingOf = (one: EngineGauges) =>
        one.waiting + (countsUnseen ? unseen.of(one).requests : 0);
      const scorer = prefixScorer(setup, params);
      const pick = (request: ReplayRequest) => {
        const all = usableEngines(setup, request);
        const engines = flowControl ? unsaturated(all, waitingOf, thresholds) : all;
        const queue = queueScores(engines.map(waitingOf));
        const kv = kvScores(engines);
        const { queueWeight = 2, kvWeight = 2, prefixWeight = 3 } = params;
        const scores = engines.map(
          (one, at) =>
            queueWeight * (queue[at] ?? 0) +
            kvWeight * (kv[at] ?? 0) +
            prefixWeight * scorer.score(one, request),
        );
        const engine = leastOf(engines, (_, at) => -(scores[at] ?? 0), setup.random);
        if (engine) scorer.sent(engine, request);
        if (engine) unseen.add(engine, request, 0);
        return sendTo(engine);
      };
      if (!flowControl) return { route: pick };
      const queue = new HeldRequests(setup, {
        mayGo(request) {
          const engines = usableEngines(setup, request);
          return saturation(engines, engines.map(waitingOf), thresholds) < 1;
        },
        keyOf: (request) => request.priority,
        route: pick,
        recheckMs: params.recheckMs ?? 50,
        paceMs: params.dispatchMs ?? 1,
      });
      return {
        route: (request) => queue.enter(request),
        firstToken: () => queue.look(),
        finished: () => queue.look(),
      };
    },
  };
}

export type LlmDParams = {
  readonly queueWeight?: number;
  readonly kvWeight?: number;
  readonly prefixWeight?: number;
  /** `approximate`: what was sent before; `precise`: what the view shows, as the scorer fed by KV events. */
  readonly prefix?: "approximate" | "precise";
  /** Of each prompt, tokens looked at by the approximate scorer: 256 blocks of 16 unless told. */
  readonly prefixTokens?: number;
  /** Tokens remembered per engine: 31,250 blocks of 16 unless told. */
  readonly lruTokens?: number;
  readonly flowControl?: boolean;
  readonly queueDepth?: number;
  readonly kvShare?: number;
  /** Adds what was sent and is not reported yet to the queues; false as published. */
  readonly countsUnseen?: boolean;
  /** What scheduling one queued request takes, ms: the next sees what the last did, if the view is that young. */
  readonly dispatchMs?: number;
  /** Looks at its queue at least this often, ms. */
  readonly recheckMs?: number;
};

/** Share of the prompt's leading tokens that an engine is believed to hold, and how that belief grows. */
function prefixScorer(setup: PolicySetup, params: LlmDParams) {
  const { prefix = "approximate", prefixTokens = 256 * 16, lruTokens = 31_250 * 16 } = params;
  if (prefix === "precise") {
    return {
      score: (one: EngineGauges, request: ReplayRequest) =>
        setup.fleet.matchTokens(one.engine, request) / request.promptTokens,
      sent: () => undefined,
    };
  }
  const model: PrefixModel = setup.prefixModel(lruTokens);
  const blocks = Math.max(1, Math.floor(prefixTokens / setup.blockTokens));
  const head = (request: ReplayRequest) => ({
    ...request,
    blocks: request.blocks.subarray(0, blocks),
  });
  return {
    score: (one: EngineGauges, request: ReplayRequest) =>
      model.matchTokens(one.engine, head(request)) / Math.min(prefixTokens, request.promptTokens),
    sent: (one: EngineGauges, request: ReplayRequest) => model.insert(one.engine, head(request)),
  };
}
