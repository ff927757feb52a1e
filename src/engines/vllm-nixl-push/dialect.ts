import { rawMember } from "../../core/json-members.ts";
import { bothPhases } from "../both-phases.ts";
import { continuesPlainText } from "../continues.ts";
import type { Dialect, Edits, LegContext } from "../dialect.ts";
import { NOT_FOR_PREFILL, onlyPrefill } from "../only-prefill.ts";
import { usageOf } from "../read-answer.ts";
import { splitsPlainRequests } from "../splits.ts";

/**
 * vLLM with the NixlPushConnector: decode announces its blocks to the prefill engine, which writes into them. Decode
 * must know that engine's identity, which is in every answer of a prefill leg: the first split to an engine is serial.
 */
export const vllmNixlPush: Dialect = {
  name: "vllm-nixl-push",
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
  write(leg) {
    const edits = editsOf(leg);
    return edits && { edits, headers: { "x-request-id": leg.requestId } };
  },
  readPrefill(body) {
    const raw = rawMember(body, ["kv_transfer_params"]);
    const handoff = raw === undefined || raw === "null" ? undefined : { raw };
    return { handoff, usage: usageOf(body) };
  },
  // It counts all that was written to it as cached, less the last token; what it had to compute it does not.
  tookHandoff: ({ promptTokens, cachedTokens }) =>
    cachedTokens === undefined ? undefined : cachedTokens === promptTokens - 1,
  learns: { fromHandoff: identity },
  safeEnd: {
    prefill: "at-once",
    betweenLegs: "nothing",
    decodeInTransfer: "at-first-token",
  },
};

function editsOf(leg: LegContext): Edits | undefined {
  const { split } = leg;
  const transfer = split && JSON.stringify(`${leg.requestId}-${split.rendezvous}`);
  if (leg.leg === "prefill") {
    const params = `{"do_remote_decode":true,"do_remote_prefill":false,"transfer_id":${transfer},"remote_engine_id":null,"remote_block_ids":null,"remote_host":null,"remote_port":null}`;
    return { set: { ...onlyPrefill(leg), kv_transfer_params: params }, remove: NOT_FOR_PREFILL };
  }
  const { set } = bothPhases(leg);
  if (split === undefined) return { set, remove: [] };
  const known = split.prefill.learned;
  if (known === undefined) return undefined;
  const names = `"transfer_id":${transfer},"remote_request_id":${JSON.stringify(leg.requestId)}`;
  const params = `{"do_remote_decode":false,"do_remote_prefill":true,${known},${names}}`;
  return { set: { ...set, kv_transfer_params: params }, remove: [] };
}

/** The members of a handle that tell who prefilled, as the engine wrote them. */
function identity(handoff: string): string {
  const bytes = new TextEncoder().encode(handoff);
  const members = IDENTITY.flatMap((name) => {
    const raw = rawMember(bytes, [name]);
    return raw === undefined ? [] : [`"${name}":${raw}`];
  });
  if (members.length < LEAST) throw new SyntaxError("the handle does not tell who prefilled");
  return members.join(",");
}

const IDENTITY = ["remote_engine_id", "remote_host", "remote_port", "tp_size", "pp_size"];
/** Older engines do not tell `pp_size`. */
const LEAST = 4;
