import { hash64, NO_HASH } from "../../core/hash64.ts";
import { rawMemberOf, spliceText } from "../../core/json-members.ts";
import type { RequestTraits } from "../../core/request-traits.ts";
import { bothPhases } from "../both-phases.ts";
import type { Edits, LegContext } from "../dialect.ts";
import { splitsPlainRequests } from "../splits.ts";

/**
 * Members that only a router may set. Each leg sets them anew or takes them out: they name other engines' memory, or
 * another prompt than the one that was routed.
 */
const OURS = ["disaggregated_params", "prompt_token_ids", "prompt_token_ids_b64"];

/** Members of OpenAI's API that say nothing to an engine; its own refuses what it does not know. */
const NOT_FOR_ENGINES = [
  "service_tier",
  "prompt_cache_key",
  "safety_identifier",
  "store",
  "metadata",
  "conversation",
  "previous_response_id",
];

const REMOVED = [...OURS, ...NOT_FOR_ENGINES];

/** A leg that answers the client; `set` are members of ours. */
export function answering(leg: LegContext, set: Edits["set"] = {}): Edits {
  const raw = (name: string) =>
    name === "stream_options" ? withoutRunningUsage(leg.raw(name)) : leg.raw(name);
  return { set: { ...bothPhases({ ...leg, raw }).set, ...set }, remove: REMOVED };
}

/** A leg that only computes the prompt, and the first token with it: how long an answer may be is left as it was. */
export function contextOnly(leg: LegContext, params: string): Edits {
  const whole = bothPhases({ ...leg, stream: false });
  const set = { ...whole.set, stream: "false", disaggregated_params: params };
  return { set, remove: [...REMOVED, "stream_options"] };
}

/** Its caches are handed over for one beam only; log probabilities of the first token only by some versions. */
export function splitsOneBeam(traits: RequestTraits): boolean {
  return splitsPlainRequests(traits) && !traits.hasBeamSearch && !traits.hasLogprobs;
}

/** Where an engine tells how its transfers are reached. */
export function serverInfoUrl({ url }: { readonly url: string }): string {
  return `${url}/server_info`;
}

/**
 * The number both engines know a request by, made of its name: 2^62 to 2^63 - 1, as engines number their own requests
 * from 0. Decimal digits: it is beyond what a JavaScript number holds.
 */
export function numberOf(name: string): string {
  const { high, low } = hash64(name, NO_HASH);
  return String((1n << 62n) + (BigInt(high & 0x3fffffff) << 32n) + BigInt(low));
}

/** Early versions send usage with every chunk unless told not to. */
function withoutRunningUsage(options: string | undefined): string {
  const asked = options?.startsWith("{") ? options : "{}";
  if (rawMemberOf(asked, "continuous_usage_stats") !== undefined) return asked;
  return spliceText(asked, { set: { continuous_usage_stats: "false" }, remove: [] });
}
