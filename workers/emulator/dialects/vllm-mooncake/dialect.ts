import { vllmMetrics } from "../../metrics/vllm.ts";
import { RESTARTED, type Run } from "../../run.ts";
import { failure, openAiProblem } from "../../problem.ts";
import { engineMetAt } from "../bootstrap.ts";
import type { EmulatedDialect, EngineRequest, EngineSide, Taken } from "../dialect.ts";
import { dpSizeOf, rankSalt } from "../ranks.ts";
import { Incoming } from "../vllm/incoming.ts";
import { legOf } from "../vllm/leg.ts";
import { isForDecode, readTransferMessage } from "../vllm/messages.ts";
import { Outgoing } from "../vllm/outgoing.ts";
import { vllmUsage } from "../vllm/usage.ts";
import { readSource, transferOf, type Source } from "./params.ts";

/** `VLLM_MOONCAKE_ABORT_REQUEST_TIMEOUT`: for blocks that nobody asks for, and for who asks for blocks that never come. */
const ABORT_TIMEOUT_MS = 480_000;
/** A decode engine lets the prefill engine give up first. */
const ANSWER_TIMEOUT_MS = ABORT_TIMEOUT_MS + 60_000;

/** vLLM with the MooncakeConnector: both legs meet by a transfer id, and prefill writes into decode's blocks. */
export const vllmMooncake: EmulatedDialect = (side) => {
  const outgoing = new Outgoing(side, ABORT_TIMEOUT_MS);
  const incoming = new Incoming(side, ANSWER_TIMEOUT_MS);
  const known = new Map<string, string>();
  let turn = 0;
  return {
    take(request) {
      // Unless a request names one, ranks take turns.
      const named = Number.parseInt(request.headers.get("x-data-parallel-rank") ?? "", 10);
      const rank = Number.isNaN(named) ? turn++ % dpSizeOf(side.config) : named;
      if (!engineIds(side)[rank]) return noSuchRank(rank, side);
      const leg = legOf(request.body);
      const { roles } = side.config.pool;
      if (leg !== "both" && !roles.includes(leg)) {
        // A producer that is to load, or a consumer that is to send, fails an assertion in its scheduler.
        side.crash();
        return openAiProblem(RESTARTED);
      }
      if (leg === "prefill") return prefill(request, rank, side, outgoing);
      const source = leg === "decode" ? readSource(request) : undefined;
      const salt = rankSalt(request.ask.cacheSalt, rank);
      if (!source) return alone(leg, salt, side);
      const find = (): Promise<string | undefined> => engineOf(source, side, known);
      const taken = incoming.take(request, {
        ...source,
        find,
        isKeptWhileQueued: false,
        whenSilent: "waits",
      });
      return { ...taken, order: (choice) => ({ salt, ...taken.order?.(choice) }) };
    },
    meet(message, from) {
      if (message === QUERY) return engineIds(side);
      const known = readTransferMessage(message);
      if (!known) return undefined;
      if (isForDecode(known)) return incoming.meet(known, from);
      const rank = known.engineId === "" ? 0 : engineIds(side).indexOf(known.engineId);
      if (rank === -1) return undefined;
      outgoing.meet({ ...known, transfer: nameOf(known.transfer, rank) }, from);
      return true;
    },
    routes: {
      "GET /metrics": () => vllmMetrics(side),
      "GET /bootstrap/query": () => Response.json(registered(side)),
    },
  };
};

const QUERY = "query";

/** Prefill is answered as soon as it has computed; its blocks wait for whoever knows the transfer id. */
function prefill(
  request: EngineRequest,
  rank: number,
  side: EngineSide,
  outgoing: Outgoing,
): Taken {
  const salt = rankSalt(request.ask.cacheSalt, rank);
  const transfer = transferOf(request);
  if (transfer === undefined) return alone("prefill", salt, side);
  const leaseAs = nameOf(transfer, rank);
  const { leaseMs = ABORT_TIMEOUT_MS } = side.settings();
  let run: Run | undefined;
  return {
    leg: "prefill",
    order: (choice) => ({
      salt,
      ...(choice === 0 && { leaseAs, leaseMs }),
    }),
    usage: (run) => vllmUsage(run, run.cachedTokens, side),
    hooks: {
      open: (opened) => {
        run = opened;
      },
      said(choice) {
        if (choice !== 0) return undefined;
        // Who stopped by itself after one token sends nothing; decode is not told.
        if (run?.said[0]?.finish === "length") outgoing.computed(leaseAs);
        else side.engine.closeLease(leaseAs, side.clock.now());
        return undefined;
      },
    },
  };
}

function alone(leg: Taken["leg"], salt: string, side: EngineSide): Taken {
  return {
    leg,
    order: () => ({ salt }),
    usage: (run) => vllmUsage(run, run.cachedTokens, side),
  };
}

/** Asks the bootstrap server, unless an engine of that id was found before: what was found is not looked up again. */
async function engineOf(
  { host, port, engineId }: Source,
  side: EngineSide,
  known: Map<string, string>,
): Promise<string | undefined> {
  const before = known.get(engineId);
  if (before !== undefined) return before;
  const engine = engineMetAt(host, port, side.config);
  if (engine === undefined) return undefined;
  const told = await side.meet(engine, QUERY).catch(() => []);
  if (engineId === "") return engine;
  if (!Array.isArray(told) || !told.includes(engineId)) return undefined;
  known.set(engineId, engine);
  return engine;
}

/** Each rank is an engine of its own. */
function engineIds({ engine, config }: EngineSide): string[] {
  const ranks = dpSizeOf(config);
  if (ranks === 1) return [engine.engineId];
  return Array.from({ length: ranks }, (_, rank) => `${engine.engineId}_dp${rank}`);
}

/** What workers have registered with the bootstrap server, by rank. */
function registered(side: EngineSide): Record<string, unknown> {
  const entries = engineIds(side).map((engine_id, rank) => {
    const worker_addr = { 0: { 0: `tcp://${side.config.name}:${20_000 + rank}` } };
    return [String(rank), { engine_id, worker_addr }] as const;
  });
  return Object.fromEntries(entries);
}

function nameOf(transfer: string, rank: number): string {
  return `${rank}/${transfer}`;
}

function noSuchRank(rank: number, { config }: EngineSide): Response {
  const message = `data_parallel_rank ${rank} is out of range [0, ${dpSizeOf(config)}).`;
  return failure(400, "BadRequestError", message);
}
