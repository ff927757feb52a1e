import { readUsage } from "../../core/chat-frames.ts";
import { rawItems, rawMember, rawMemberOf, spliceText } from "../../core/json-members.ts";
import { continuesNothing } from "../continues.ts";
import { forClient } from "../for-client.ts";
import { KV_CACHE_EVENTS } from "../load/kv-events.ts";
import type { Dialect, Edits, LegContext, PrefillAnswer } from "../dialect.ts";
import { answering, contextOnly, numberOf, serverInfoUrl, splitsOneBeam } from "./requests.ts";

/**
 * TensorRT-LLM, context first: the context engine answers with the first token and opaque parameters, which generation
 * is sent together with the prompt's token ids. Every version refuses parameters that it does not know.
 */
export const trtllm: Dialect = {
  name: "trtllm",
  handsOff: true,
  // Not so 1.0, whose pools have to say it: a tenant's cache is better parted by default.
  takesCacheSalt: true,
  continues: false,
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "handoff",
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    pullsPrefix: "none",
    firstTokenFrom: "prefill",
    cachedFrom: { together: true, disaggregated: "prefill" },
  },
  canContinue: continuesNothing,
  splits: splitsOneBeam,
  write: (leg) => ({ edits: editsOf(leg), headers: { "x-request-id": leg.requestId } }),
  readPrefill,
  // Generation does not compute a prompt that it was sent parameters for: it fails instead.
  tookHandoff: () => undefined,
  learns: {
    url: serverInfoUrl,
    read: (body) => rawMember(body, ["disaggregated_params"]) ?? UNNAMED,
    unknown: "null",
  },
  // The generation engine takes them in place of the prompt.
  unasked: ["prompt_token_ids"],
  kvEvents: KV_CACHE_EVENTS,
  failsAsCallers: true,
  safeEnd: {
    prefill: "at-once",
    betweenLegs: "dispatch-and-abort",
    decodeInTransfer: "at-first-token",
  },
};

/** What is learned of an engine from before requests had names of the router's making. */
const UNNAMED = "null";

function editsOf(leg: LegContext): Edits {
  if (leg.leg === "prefill") return contextOnly(leg, contextParams(leg));
  return leg.handoff === undefined ? answering(leg) : answering(leg, handed(leg, leg.handoff.raw));
}

/** Some ways of transfer need a name that both engines know; early versions refuse it and use a number of their own. */
function contextParams({ learned = UNNAMED, requestId }: LegContext): string {
  const name = learned === UNNAMED ? "" : `,"disagg_request_id":${numberOf(requestId)}`;
  return `{"request_type":"context_only"${name}}`;
}

/** The context engine's own parameters, told to generate; with the token ids it need not read the prompt again. */
function handed({ present }: LegContext, handoff: string): Edits["set"] {
  const params = rawMemberOf(handoff, "disaggregated_params") ?? "{}";
  const ids = rawMemberOf(handoff, "prompt_token_ids");
  const generate = { set: { request_type: '"generation_only"' }, remove: [] };
  return {
    disaggregated_params: spliceText(params, generate),
    ...(ids !== undefined && { [present.has("messages") ? "prompt_token_ids" : "prompt"]: ids }),
  };
}

/** Kept as the engine's own bytes: its request numbers have 64 bits. */
function readPrefill(body: Uint8Array): PrefillAnswer {
  const rawUsage = rawMember(body, ["usage"]);
  const usage = rawUsage === undefined ? undefined : readUsage(JSON.parse(rawUsage));
  const choice = rawItems(rawMember(body, ["choices"]) ?? "[]")[0] ?? "{}";
  const reason: unknown = JSON.parse(rawMemberOf(choice, "finish_reason") ?? "null");
  if (typeof reason === "string" && !TO_BE_CONTINUED.has(reason)) {
    return { handoff: undefined, usage, final: withoutParams(body) };
  }
  const params = rawMemberOf(choice, "disaggregated_params") ?? "null";
  const number = params.startsWith("{") ? rawMemberOf(params, "ctx_request_id") : undefined;
  if (number === undefined || number === "null") return { handoff: undefined, usage };
  const ids = rawMember(body, ["prompt_token_ids"]);
  const withIds = ids === undefined || ids === "null" ? "" : `,"prompt_token_ids":${ids}`;
  return { handoff: { raw: `{"disaggregated_params":${params}${withIds}}` }, usage };
}

/** Every other reason means that the first token was the last. */
const TO_BE_CONTINUED: ReadonlySet<string> = new Set(["length", "not_finished"]);

function withoutParams(body: Uint8Array): Uint8Array {
  return new TextEncoder().encode(forClient(new TextDecoder().decode(body), trtllm.unasked));
}
