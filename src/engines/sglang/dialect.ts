import { bothPhases } from "../both-phases.ts";
import { continuesPlainText } from "../continues.ts";
import { bootstrapOf } from "../bootstrap.ts";
import type { Dialect, LegContext, Split } from "../dialect.ts";
import { dpRank } from "../dp-rank.ts";
import { METRICS, SGLANG_LOADS } from "../load/sources.ts";
import { usageOf } from "../read-answer.ts";
import { splitsPlainRequests } from "../splits.ts";

/** SGLang: both engines get one body and meet in a room of the prefill engine's bootstrap server. */
export const sglang: Dialect = {
  name: "sglang",
  handsOff: true,
  takesCacheSalt: false,
  continues: true,
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "rendezvous",
    order: "concurrent",
    prefillsAtDecode: false,
    keepsDecodePrefix: false,
    pullsPrefix: "none",
    firstTokenFrom: "prefill",
    // Decode adds what it finds itself to what prefill told it.
    cachedFrom: { together: true, disaggregated: "prefill" },
  },
  canContinue: continuesPlainText,
  splits: splitsPlainRequests,
  write(leg) {
    const { set } = bothPhases(leg);
    const headers = { "x-request-id": leg.requestId };
    const room = leg.split === undefined ? {} : meeting(leg, leg.split);
    return { edits: { set: { ...set, ...room }, remove: [] }, headers };
  },
  readPrefill: (body) => ({ handoff: undefined, usage: usageOf(body) }),
  tookHandoff: () => undefined,
  blamesOther: (error) => /KVTransferError|handshake failed|prefill parallel info/i.test(error),
  load: [...SGLANG_LOADS, METRICS],
  safeEnd: { prefill: "at-once", betweenLegs: "nothing", decodeInTransfer: "at-once" },
};

/** Rooms lie below 2^53, so that no JSON reader on the way rounds them; a room names its data-parallel rank. */
function meeting(leg: LegContext, split: Split): Record<string, string> {
  const { host, port } = bootstrapOf(split.prefill);
  const ranks = split.prefill.dpSize ?? 1;
  const drawn = Math.min(Number(split.rendezvous), Number.MAX_SAFE_INTEGER - ranks);
  return {
    bootstrap_host: JSON.stringify(host),
    bootstrap_port: String(port),
    bootstrap_room: String(drawn - (drawn % ranks) + dpRank(leg, split)),
  };
}
