import { rawMember } from "../../core/json-members.ts";
import { bothPhases } from "../both-phases.ts";
import { continuesPlainText } from "../continues.ts";
import type { Dialect, Edits, LegContext, PrefillAnswer } from "../dialect.ts";
import { NOT_FOR_PREFILL, onlyPrefill } from "../only-prefill.ts";
import { usageOf } from "../read-answer.ts";
import { splitsPlainRequests } from "../splits.ts";
import { exportsKv } from "./exports.ts";
import { paramsFor, PARAMS } from "./params.ts";
import { told } from "./told.ts";

/** How long an engine keeps a state that nobody fetches, ms. */
const LEASE_MS = 30_000;

/**
 * `workers/llama`, which is llama.cpp over HTTP: prefill leaves its state under a handle, decode fetches it, and either
 * pulls what another has cached of a prompt. An engine that cannot fetch computes instead, and tells why.
 */
export const llamacpp: Dialect = {
  name: "llamacpp",
  handsOff: true,
  takesCacheSalt: true,
  continues: true,
  capabilities: {
    roles: ["prefill", "decode"],
    coupling: "handoff",
    order: "serial",
    prefillsAtDecode: true,
    keepsDecodePrefix: true,
    pullsPrefix: "peer",
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
  told,
  keeps: { member: PARAMS, forMs: LEASE_MS },
  exportsKv,
  // A state that nobody comes for ends with its lease, and a transfer may be cut.
  safeEnd: { prefill: "at-once", betweenLegs: "nothing", decodeInTransfer: "at-once" },
};

function editsOf(leg: LegContext): Edits {
  if (leg.leg === "prefill") {
    const params = paramsFor({ leave: '"prompt"', fetch: leg.kept?.raw, pull: leg.pull });
    return { set: { ...onlyPrefill(leg), ...params }, remove: NOT_FOR_PREFILL };
  }
  const { set } = bothPhases(leg);
  const leave = leg.keeps ? "true" : undefined;
  const params = paramsFor({ leave, fetch: leg.handoff?.raw, pull: leg.pull });
  return { set: { ...set, ...params }, remove: [] };
}

function readPrefill(body: Uint8Array): PrefillAnswer {
  const raw = rawMember(body, [PARAMS]);
  const isGiven = raw !== undefined && rawMember(body, [PARAMS, "handle"]) !== undefined;
  return { handoff: isGiven ? { raw } : undefined, usage: usageOf(body) };
}
