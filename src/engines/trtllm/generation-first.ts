import { rawItems, rawMember, spliceText } from "../../core/json-members.ts";
import { KV_CACHE_EVENTS } from "../load/kv-events.ts";
import type { Dialect, Edits, EngineAddress, LegContext, Split } from "../dialect.ts";
import { trtllm } from "./dialect.ts";
import { answering, contextOnly, serverInfoUrl } from "./requests.ts";

/**
 * TensorRT-LLM, generation first: both legs are sent at once under a number of ours, and generation fetches what the
 * context engine computes. Engines that can do it know every parameter used here.
 */
export const trtllmGenerationFirst: Dialect = {
  ...trtllm,
  name: "trtllm-gen-first",
  capabilities: { ...trtllm.capabilities, coupling: "rendezvous", order: "concurrent" },
  write: (leg) => ({ edits: editsOf(leg), headers: { "x-request-id": leg.requestId } }),
  // Generation tells everything, even that the first token was the last.
  readPrefill: (body) => ({ handoff: undefined, usage: trtllm.readPrefill(body).usage }),
  learns: { url: serverInfoUrl, read: readServerInfo },
  kvEvents: KV_CACHE_EVENTS,
  safeEnd: { ...trtllm.safeEnd, betweenLegs: "nothing" },
};

function editsOf(leg: LegContext): Edits {
  if (leg.split === undefined) return answering(leg);
  const number = numberOf(leg.split);
  if (leg.leg === "prefill") {
    return contextOnly(
      leg,
      `{"request_type":"context_only","disagg_request_id":${number},"schedule_style":1}`,
    );
  }
  return answering(leg, { disaggregated_params: generationParams(number, leg.split.prefill) });
}

function generationParams(number: string, { learned = "{}" }: EngineAddress): string {
  const set = {
    request_type: '"generation_only"',
    ctx_request_id: number,
    disagg_request_id: number,
    schedule_style: "1",
  };
  return spliceText(learned, { set, remove: [] });
}

/** 2^62 and more: engines number their own requests from 0. */
function numberOf({ rendezvous }: Split): string {
  return String((1n << 62n) + BigInt(rendezvous));
}

/** How the context engine's transfers are reached: an object of the parameters that generation is sent of it. */
function readServerInfo(body: Uint8Array): string {
  const raw = (name: string) => {
    const value = rawMember(body, ["disaggregated_params", name]);
    return value === "null" ? undefined : value;
  };
  const told = raw("ctx_info_endpoint");
  const endpoint = told?.startsWith("[") ? rawItems(told)[0] : told;
  if (!endpoint?.startsWith('"')) {
    throw new SyntaxError("the context engine does not tell its `ctx_info_endpoint`");
  }
  const members = Object.entries({
    ctx_info_endpoint: endpoint,
    ctx_dp_rank: raw("ctx_dp_rank"),
    encoded_opaque_state: raw("encoded_opaque_state"),
  }).flatMap(([name, value]) => (value === undefined ? [] : [`"${name}":${value}`]));
  return `{${members.join(",")}}`;
}
