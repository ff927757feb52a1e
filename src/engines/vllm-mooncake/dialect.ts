import { bothPhases } from "../both-phases.ts";
import { continuesPlainText } from "../continues.ts";
import { bootstrapOf } from "../bootstrap.ts";
import type { Dialect, Edits, EngineAddress, LegContext, Split } from "../dialect.ts";
import { dpRank } from "../dp-rank.ts";
import { NOT_FOR_PREFILL, onlyPrefill } from "../only-prefill.ts";
import { usageOf } from "../read-answer.ts";
import { splitsPlainRequests } from "../splits.ts";

/** vLLM with the MooncakeConnector: both legs at once, matched by a transfer id of ours. */
export const vllmMooncake: Dialect = {
  name: "vllm-mooncake",
  handsOff: true,
  takesCacheSalt: true,
  continues: true,
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "rendezvous",
    order: "concurrent",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    pullsPrefix: "none",
    firstTokenFrom: "decode",
    cachedFrom: { together: true, disaggregated: "prefill" },
  },
  canContinue: continuesPlainText,
  splits: splitsPlainRequests,
  write: (leg) => ({
    edits: editsOf(leg),
    headers: {
      "x-request-id": leg.requestId,
      ...(leg.leg === "prefill" &&
        leg.split && { "x-data-parallel-rank": String(dpRank(leg, leg.split)) }),
    },
  }),
  readPrefill: (body) => ({ handoff: undefined, usage: usageOf(body) }),
  tookHandoff: () => undefined,
  learns: {
    url: (engine) => `${bootstrapUrl(engine)}/query`,
    read: (body) => JSON.stringify(engineIds(new TextDecoder().decode(body))),
  },
  safeEnd: {
    prefill: "at-once",
    betweenLegs: "nothing",
    decodeInTransfer: "at-first-token",
  },
};

function editsOf(leg: LegContext): Edits {
  const { split } = leg;
  const transfer =
    split && `"transfer_id":${JSON.stringify(`${leg.requestId}-${split.rendezvous}`)}`;
  if (leg.leg === "prefill") {
    const params = `{"do_remote_decode":true,"do_remote_prefill":false,${transfer}}`;
    return { set: { ...onlyPrefill(leg), kv_transfer_params: params }, remove: NOT_FOR_PREFILL };
  }
  const { set } = bothPhases(leg);
  if (split === undefined) return { set, remove: [] };
  return { set: { ...set, kv_transfer_params: `{${source(leg, split)},${transfer}}` }, remove: [] };
}

/** Where decode finds its prefix; older connectors read host and port, newer ones address, engine and rank. */
function source(leg: LegContext, split: Split): string {
  const { host, port } = bootstrapOf(split.prefill);
  const rank = dpRank(leg, split);
  const engine = engineIds(split.prefill.learned ?? "{}")[rank];
  if (engine === undefined) throw new SyntaxError(`the prefill engine has no rank ${rank}`);
  const params = {
    do_remote_decode: false,
    do_remote_prefill: true,
    remote_bootstrap_addr: bootstrapUrl(split.prefill),
    remote_engine_id: engine,
    remote_dp_rank: rank,
    bootstrap_server_host: host,
    bootstrap_server_port: port,
  };
  return JSON.stringify(params).slice(1, -1);
}

function bootstrapUrl(engine: EngineAddress): string {
  const { host, port } = bootstrapOf(engine);
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * Engine ids by data-parallel rank, from `{rank: {engine_id}}` as bootstrap servers tell them, from `{engine: {rank: …}}`
 * as older ones did, or from what was kept.
 */
function engineIds(json: string): Record<number, string> {
  const told: unknown = JSON.parse(json);
  if (typeof told !== "object" || told === null) throw new SyntaxError("no list of engines");
  const ids: Record<number, string> = {};
  for (const [name, value] of Object.entries(told)) {
    if (typeof value === "string") ids[Number(name)] = value;
    else if (typeof value !== "object" || value === null) continue;
    else if ("engine_id" in value) ids[Number(name)] = String(value.engine_id);
    else for (const rank of Object.keys(value)) ids[Number(rank)] = name;
  }
  return ids;
}
