import { isRecord } from "../../../../src/sim/tokens.ts";
import { LEASE_MS } from "../../../../src/sim/leases.ts";
import { heldOf } from "../../../../src/sim/hash.ts";
import { vllmMetrics } from "../../metrics/vllm.ts";
import { failure, openAiProblem } from "../../problem.ts";
import { RESTARTED } from "../../run.ts";
import type { EmulatedDialect, EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { blockIdsOf, writeHandle } from "../vllm-nixl/handle.ts";
import { Incoming, type Origin } from "../vllm/incoming.ts";
import { legOf } from "../vllm/leg.ts";
import { isForDecode, readTransferMessage } from "../vllm/messages.ts";
import { Outgoing } from "../vllm/outgoing.ts";
import { vllmUsage } from "../vllm/usage.ts";

/** `push_registration_timeout`. */
const REGISTRATION_TIMEOUT_MS = 480_000;

/** vLLM with the NixlPushConnector: decode registers its blocks with the prefill engine, which writes into them. */
export const vllmNixlPush: EmulatedDialect = (side) => {
  const outgoing = new Outgoing(side, REGISTRATION_TIMEOUT_MS);
  const incoming = new Incoming(side, REGISTRATION_TIMEOUT_MS);
  return {
    take(request) {
      const leg = legOf(request.body);
      if (leg === "both") return alone(side);
      if (leg === "prefill") return prefill(request, side, outgoing);
      const origin = originOf(request);
      if (origin) return incoming.take(request, origin);
      // Its scheduler does not survive the KeyError.
      side.crash();
      return openAiProblem(RESTARTED);
    },
    meet(message, from) {
      const known = readTransferMessage(message);
      if (!known) return undefined;
      if (isForDecode(known)) return incoming.meet(known, from);
      if (known.engineId !== side.engine.engineId) return undefined;
      outgoing.meet(known, from);
      return true;
    },
    routes: { "GET /metrics": () => vllmMetrics(side) },
  };
};

function alone(side: EngineSide): Taken {
  return { leg: "both", usage: (run) => vllmUsage(run, run.cachedTokens, side) };
}

/** Prefill is answered as soon as it has computed; its blocks wait for a decode engine, which they are written to. */
function prefill(request: EngineRequest, side: EngineSide, outgoing: Outgoing): Taken | Response {
  const { ask } = request;
  if (ask.stream) return failure(400, "invalid_stream", "do_remote_decode cannot be streamed.");
  const leaseAs = transferOf(request);
  const { leaseMs = LEASE_MS } = side.settings();
  const raw = handleOf(request, side);
  return {
    leg: "prefill",
    order: (choice) => (choice === 0 ? { leaseAs, leaseMs } : {}),
    usage: (run) => vllmUsage(run, run.cachedTokens, side),
    members: () => ({ answer: { kv_transfer_params: raw } }),
    hooks: {
      said(choice) {
        if (choice === 0) outgoing.computed(leaseAs);
        return undefined;
      },
    },
  };
}

function handleOf(request: EngineRequest, { config, engine }: EngineSide): string {
  const tokens = request.ask.choices[0]?.tokens ?? [];
  const suffix = crypto.randomUUID().slice(0, 8);
  return writeHandle({
    engineId: engine.engineId,
    host: config.name,
    requestId: JSON.stringify(`${baseIdOf(request)}-${suffix}`),
    blockIds: blockIdsOf(heldOf(tokens)),
    tokens: tokens.length,
    giver: "prefill",
    more: { pp_size: 1, transfer_mode: "push" },
  });
}

/** Undefined when a member is missing that the engine takes for granted. */
function originOf(request: EngineRequest): Origin | undefined {
  const params = request.body["kv_transfer_params"];
  if (!isRecord(params) || NEEDED.some((name) => params[name] === undefined)) return undefined;
  return {
    transfer: transferOf(request),
    engineId: String(params["remote_engine_id"]),
    find: () => Promise.resolve(String(params["remote_host"])),
    isKeptWhileQueued: true,
    whenSilent: "fails",
  };
}

const NEEDED = ["remote_engine_id", "remote_host", "remote_port", "tp_size"];

/** What both legs call a transfer: an id of the router's, else the request's. */
function transferOf(request: EngineRequest): string {
  const params = request.body["kv_transfer_params"];
  const id = isRecord(params) ? params["transfer_id"] : undefined;
  return typeof id === "string" ? `transfer ${id}` : `request ${baseIdOf(request)}`;
}

/** The request's name in the engine, less what each engine puts behind it. */
function baseIdOf({ api, headers }: EngineRequest): string {
  const id = headers.get("x-request-id") ?? crypto.randomUUID();
  return `${api === "chat" ? "chatcmpl" : "cmpl"}-${id}`;
}
