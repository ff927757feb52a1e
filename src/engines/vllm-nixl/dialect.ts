import { rawMember } from "../../core/json-members.ts";
import { bothPhases } from "../both-phases.ts";
import { continuesPlainText } from "../continues.ts";
import type { Dialect, Edits, LegContext, PrefillAnswer } from "../dialect.ts";
import { NOT_FOR_PREFILL, onlyPrefill } from "../only-prefill.ts";
import { splitsPlainRequests } from "../splits.ts";
import { readUsage } from "../../core/chat-frames.ts";

const ASK_FOR_HANDOFF =
  '{"do_remote_decode":true,"do_remote_prefill":false,"remote_engine_id":null,"remote_block_ids":null,"remote_host":null,"remote_port":null}';

/** `decoder_kv_blocks_ttl`, by default: counted from the end of the answer, and renewed by nothing. */
const KEPT_MS = 480_000;
/** A prefill that has to queue fetches late, and what it would read by then may be another's. */
const SPARE_MS = 60_000;

/** vLLM with the NixlConnector: prefill answers with an opaque handle, decode pulls the blocks it names. */
export const vllmNixl: Dialect = {
  name: "vllm-nixl",
  handsOff: true,
  takesCacheSalt: true,
  continues: true,
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "handoff",
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    pullsPrefix: "handle",
    firstTokenFrom: "decode",
    cachedFrom: { together: true, disaggregated: "prefill" },
  },
  canContinue: continuesPlainText,
  splits: splitsPlainRequests,
  write: (leg) => ({ edits: editsOf(leg), headers: { "x-request-id": leg.requestId } }),
  readPrefill,
  // It counts all that it fetched as cached, less the last token; what it had to compute it does not.
  tookHandoff: ({ promptTokens, cachedTokens }) =>
    cachedTokens === undefined ? undefined : cachedTokens === promptTokens - 1,
  keeps: { member: "kv_transfer_params", forMs: KEPT_MS - SPARE_MS },
  safeEnd: {
    prefill: "at-once",
    betweenLegs: "dispatch-and-abort",
    decodeInTransfer: "at-first-token",
  },
};

function editsOf(leg: LegContext): Edits {
  if (leg.leg === "prefill") {
    const asked = leg.kept?.raw ?? ASK_FOR_HANDOFF;
    return {
      set: { ...onlyPrefill(leg), kv_transfer_params: asked },
      remove: NOT_FOR_PREFILL,
    };
  }
  const { set } = bothPhases(leg);
  if (leg.handoff === undefined) return { set, remove: [] };
  return { set: { ...set, kv_transfer_params: leg.handoff.raw }, remove: [] };
}

/** The handle is kept as the engine's own bytes: it holds 64-bit numbers that `JSON.parse` would corrupt. */
function readPrefill(body: Uint8Array): PrefillAnswer {
  const raw = rawMember(body, ["kv_transfer_params"]);
  const rawUsage = rawMember(body, ["usage"]);
  return {
    handoff: raw === undefined || raw === "null" ? undefined : { raw },
    usage: rawUsage === undefined ? undefined : readUsage(JSON.parse(rawUsage)),
  };
}
