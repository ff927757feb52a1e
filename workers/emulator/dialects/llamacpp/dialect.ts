import { llamacppMetrics } from "../../metrics/llamacpp.ts";
import { openAiProblem } from "../../problem.ts";
import type { Run } from "../../run.ts";
import { usageOf, type EngineUsage } from "../../shapes.ts";
import type { EmulatedDialect, EngineRequest, EngineSide, Members, Taken } from "../dialect.ts";
import { Fetching } from "./fetching.ts";
import { cachedAt, leased, type Origin } from "./origins.ts";
import { readParams, type KvAsk } from "./params.ts";
import { handleOf, leaseMsOf, meetAboutState, newHandle, stateName } from "./states.ts";
import { type Imported, transfer } from "./transfer.ts";

/**
 * `workers/llama`: a request may leave its state under a handle, and fetch another's, or what another has cached of its
 * prompt; what it cannot fetch it computes.
 */
export const llamacpp: EmulatedDialect = (side) => {
  const imported: Imported = new Map();
  return {
    take(request) {
      const read = readParams(request.body, side);
      return read.ok ? take(request, read.ask, side) : openAiProblem(read.problem);
    },
    meet: (message) => meetAboutState(message, side, imported),
    routes: {
      "GET /metrics": () => llamacppMetrics(side),
      "GET /health": () => Response.json({ status: "ok", instance: side.engine.engineId }),
    },
    serves: (request, below) => transfer(request, below, side, imported),
  };
};

function take(request: EngineRequest, asked: KvAsk, side: EngineSide): Taken {
  const { leave, fetch } = asked;
  const { ask } = request;
  const isPrefill = leave === "prompt";
  // What it was given itself, it goes on from with both phases.
  const isDecode = fetch !== undefined && fetch.engine !== side.config.name;
  const handle = newHandle();
  const origin = originOf(request, asked, side);
  const fetching = origin && new Fetching(origin, request, side);
  const leases = isPrefill ? ("prompt" as const) : ("whole" as const);
  const leaseAs = stateName(handle, ask.cacheSalt);
  const leaving = leave && { leaseAs, leases, leaseMs: leaseMsOf(side) };
  const members = (run: Run): Members => {
    const { promptTokens, outputTokens } = run.counts;
    const tokens = promptTokens + Math.max(0, outputTokens - 1);
    const params = { ...(leave && handleOf(handle, tokens, side)), ...fetching?.told };
    const raw = { kv_transfer_params: JSON.stringify(params) };
    return { answer: raw, usageChunk: raw };
  };
  return {
    leg: isPrefill ? "prefill" : isDecode ? "decode" : "both",
    ...(isPrefill && { ask: { ...ask, choices: ask.choices.map(silent) } }),
    order: (choice) => (choice === 0 ? { ...leaving, awaitsPull: fetching !== undefined } : {}),
    usage,
    ...((leave ?? fetching) && { members }),
    ...(fetching && { hooks: fetching.hooks }),
  };
}

function originOf(
  request: EngineRequest,
  { fetch, pull }: KvAsk,
  side: EngineSide,
): Origin | undefined {
  if (fetch !== undefined) return leased(fetch, request, side);
  return pull === undefined ? undefined : cachedAt(pull, request, side);
}

/** Nothing is sampled of a prompt that is only prefilled. */
function silent(choice: EngineRequest["ask"]["choices"][number]): typeof choice {
  return { ...choice, output: () => ({ pieces: [], tokens: [], finish: "length" }) };
}

/** What it found, or fetched, is always told. */
function usage(run: Run): EngineUsage {
  const cached_tokens = run.cachedTokens + run.counts.pulledTokens;
  return { ...usageOf(run, 0), prompt_tokens_details: { cached_tokens } };
}
