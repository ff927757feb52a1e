import { rawMember } from "../../../../src/core/json-members.ts";
import { prometheusOf, TrtllmStats } from "../../metrics/trtllm.ts";
import type { EmulatedDialect, EngineRequest, EngineSide, Speech, Taken } from "../dialect.ts";
import { bodyProblem } from "./body.ts";
import { ContextSide } from "./context-side.ts";
import { engineError, trtllmRefusal } from "./errors.ts";
import { GenerationSide } from "./generation-side.ts";
import { KvEvents } from "./kv-events.ts";
import { isForGeneration, readTransfer } from "./messages.ts";
import { KNOWN, KNOWN_SINCE_1_0, readParams, type Params } from "./params.ts";
import { withTokenIds } from "./prompt-ids.ts";
import { serverInfo } from "./server-info.ts";
import { trtllmUsage } from "./usage.ts";

/** TensorRT-LLM: one server for both styles, since `disaggregated_params` say which it is; each request says its part. */
export const trtllm: EmulatedDialect = (side) => {
  const context = new ContextSide(side);
  const generation = new GenerationSide(side);
  const events = new KvEvents(side);
  const takePart = (request: EngineRequest, params: Params): Taken | Response => {
    if (params.type === "context_only") return context.take(request, params);
    const raw = rawMember(new TextEncoder().encode(request.text), ["disaggregated_params"]);
    return generation.take(request, params, raw ?? "null");
  };
  return {
    take(request) {
      const refusal = bodyProblem(request.api, request.body);
      if (refusal) return trtllmRefusal(refusal);
      const known = side.settings().version === "1.0" ? KNOWN_SINCE_1_0 : KNOWN;
      const read = readParams(request.text, known);
      if (!read.ok) return trtllmRefusal(read.problem);
      const ask = withTokenIds(request);
      const { params } = read;
      if (!params || params.type === "context_and_generation") {
        return recorded(alone({ ...request, ask }, side), events);
      }
      if (ask.choices.length > 1 || request.body["use_beam_search"] === true) {
        return trtllmRefusal(engineError("Disaggregated serving supports beam width 1 only"));
      }
      const taken = takePart({ ...request, ask }, params);
      return taken instanceof Response ? taken : recorded(taken, events);
    },
    meet(message, from) {
      const known = readTransfer(message);
      if (!known) return undefined;
      return isForGeneration(known) ? generation.meet(known, from) : context.meet(known, from);
    },
    routes: routesOf(side, events),
    refuse: trtllmRefusal,
  };
};

function alone({ ask }: EngineRequest, side: EngineSide): Taken {
  return {
    leg: "both",
    ask,
    usage: (run) => trtllmUsage(run, run.cachedTokens, side.settings()),
  };
}

/** What a request did to the cache is taken down when it has ended, before too much of it is lost. */
function recorded(taken: Taken, events: KvEvents): Taken {
  const over: NonNullable<Taken["hooks"]>["over"] = (status) => {
    taken.hooks?.over?.(status);
    if (status !== "died") events.record();
  };
  return { ...taken, hooks: { ...taken.hooks, over } };
}

function routesOf(side: EngineSide, events: KvEvents): NonNullable<Speech["routes"]> {
  const stats = new TrtllmStats(side);
  return {
    "GET /metrics": () => stats.drain(),
    "GET /prometheus/metrics": () => prometheusOf(side),
    "GET /server_info": () => serverInfo(side),
    "POST /kv_cache_events": () => events.drain(),
    "GET /version": () => Response.json({ version: side.settings().version ?? "1.2.0" }),
  };
}
