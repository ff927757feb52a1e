import type { EngineGauges, Policy, PolicySetup, ReplayRequest, Route } from "../policy.ts";
import { isUsable, leastOf, sendTo } from "./choose.ts";
import { kvScores, queueScores } from "./llm-d-scores.ts";
import { predictedTtftMs } from "./predicted-ttft.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * What all fixed rules of disaggregation share, in llm-d's order (`pd-profile-handler`): first the engine that decodes,
 * by queue 2, KV cache 2 and prefix 3; then, if `splits` says so, the engine that prefills, by the lowest queue +
 * prefill + handoff. A decode engine that cannot prefill always gets a split request.
 */
export function splitRouter(
  setup: PolicySetup,
  splits: (request: ReplayRequest, cachedTokens: number) => boolean,
): Policy {
  const unseen = new UnseenSends(setup);
  const { fleet, random } = setup;
  return {
    route(request): Route {
      const decode = decodeEngine(setup, unseen, request);
      if (!decode) return sendTo(undefined);
      const cached = fleet.matchTokens(decode.engine, request);
      const prefillsHere = isUsable(decode, request);
      if (prefillsHere && !splits(request, cached)) {
        unseen.add(decode, request, cached);
        return sendTo(decode);
      }
      const prefill = leastOf(
        fleet.engines,
        (one) => prefillCost(setup, unseen, one, decode, request),
        random,
      );
      if (!prefill && !prefillsHere) return sendTo(undefined);
      unseen.add(
        prefill ?? decode,
        request,
        fleet.matchTokens((prefill ?? decode).engine, request),
      );
      if (!prefill) return sendTo(decode);
      unseen.add(decode, request, request.promptTokens);
      return { kind: "send", engine: decode.engine, prefill: prefill.engine };
    },
  };
}

function decodeEngine(
  setup: PolicySetup,
  unseen: UnseenSends,
  request: ReplayRequest,
): EngineGauges | undefined {
  const { fleet, random } = setup;
  const engines = fleet.engines.filter((one) => isUsable(one, request, "decode"));
  const queue = queueScores(engines.map((one) => one.waiting + unseen.of(one).requests));
  const kv = kvScores(engines);
  const scores = engines.map((one, at) => {
    const prefix = fleet.matchTokens(one.engine, request) / request.promptTokens;
    return 2 * (queue[at] ?? 0) + 2 * (kv[at] ?? 0) + 3 * prefix;
  });
  return leastOf(engines, (_, at) => -(scores[at] ?? 0), random);
}

function prefillCost(
  setup: PolicySetup,
  unseen: UnseenSends,
  engine: EngineGauges,
  decode: EngineGauges,
  request: ReplayRequest,
): number {
  if (engine === decode || !isUsable(engine, request, "prefill")) return Infinity;
  const held = setup.fleet.matchTokens(engine.engine, request);
  const handoffMs = setup.fleet.pullMs(engine.engine, decode.engine, request.promptTokens);
  return predictedTtftMs(setup, unseen, engine, request, held) + handoffMs;
}
