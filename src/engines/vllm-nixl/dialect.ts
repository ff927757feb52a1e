import { rawMember } from "../../core/json-members.ts";
import type { Dialect, PrefillAnswer } from "../dialect.ts";
import { bothPhases, saltOf } from "../both-phases.ts";
import { splitsPlainRequests } from "../splits.ts";
import { readUsage } from "../../core/chat-frames.ts";

const ASK_FOR_HANDOFF =
  '{"do_remote_decode":true,"do_remote_prefill":false,"remote_engine_id":null,"remote_block_ids":null,"remote_host":null,"remote_port":null}';

/** Members that would contradict `max_tokens: 1` or `stream: false`. */
const NOT_FOR_PREFILL = ["stream_options", "min_tokens", "min_completion_tokens"];

/** vLLM with the NixlConnector: prefill answers with an opaque handle, decode pulls the blocks it names. */
export const vllmNixl: Dialect = {
  name: "vllm-nixl",
  takesCacheSalt: true,
  capabilities: {
    roles: ["prefill", "decode"],
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    firstTokenFrom: "decode",
    cachedFrom: { together: true, disaggregated: "prefill" },
  },
  splits: splitsPlainRequests,
  edits(leg, context) {
    const { present, model, handoff } = context;
    if (leg === "prefill") {
      return {
        set: {
          model: JSON.stringify(model),
          stream: "false",
          max_tokens: "1",
          ...(present.has("max_completion_tokens") && { max_completion_tokens: "1" }),
          kv_transfer_params: ASK_FOR_HANDOFF,
          ...saltOf(context),
        },
        remove: NOT_FOR_PREFILL,
      };
    }
    const { set } = bothPhases(context);
    return handoff
      ? { set: { ...set, kv_transfer_params: handoff.raw }, remove: [] }
      : { set, remove: ["kv_transfer_params"] };
  },
  headers: (_leg, requestId) => ({ "x-request-id": requestId }),
  readPrefill,
  // It counts all that it fetched as cached, less the last token; what it had to compute it does not.
  tookHandoff: ({ promptTokens, cachedTokens }) =>
    cachedTokens === undefined ? undefined : cachedTokens === promptTokens - 1,
  safeEnd: {
    prefill: "at-once",
    betweenLegs: "dispatch-and-abort",
    decodeInTransfer: "at-first-token",
  },
};

/** The handle is kept as the engine's own bytes: it holds 64-bit numbers that `JSON.parse` would corrupt. */
function readPrefill(body: Uint8Array): PrefillAnswer {
  const raw = rawMember(body, ["kv_transfer_params"]);
  const rawUsage = rawMember(body, ["usage"]);
  return {
    handoff: raw === undefined || raw === "null" ? undefined : { raw },
    usage: rawUsage === undefined ? undefined : readUsage(JSON.parse(rawUsage)),
  };
}
