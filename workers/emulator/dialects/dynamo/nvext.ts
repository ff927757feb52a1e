import { isRecord } from "../../../../src/sim/tokens.ts";
import type { Problem } from "../../problem.ts";
import { parseExactly } from "../exact-json.ts";
import { namesIn } from "../names-in.ts";
import { badRequest } from "./errors.ts";

/** What a request says to the frontend of how it is to be routed and what is to be told of that. */
export type NvExt = {
  /** Workers that it must run on, digit for digit. */
  readonly worker: bigint | undefined;
  readonly prefillWorker: bigint | undefined;
  readonly cacheSalt: string | undefined;
  readonly extraFields: ReadonlySet<string>;
};

/** Reads `nvext` and the headers that win over it. */
export function readNvExt(
  text: string,
  headers: Headers,
): { ok: true; nvext: NvExt } | { ok: false; problem: Problem } {
  const given = parseExactly(text)["nvext"] ?? {};
  if (!isRecord(given)) return refuse("invalid type: expected struct NvExt");
  const hints = given["agent_hints"] ?? {};
  if (!isRecord(hints)) return refuse("invalid type: expected struct AgentHints");
  const stranger =
    Object.keys(given).find((name) => !MEMBERS.has(name)) ??
    Object.keys(hints).find((name) => !HINTS.has(name));
  if (stranger !== undefined) return refuse(`unknown field \`${stranger}\``);
  const wrong =
    IDS.find((name) => isSet(given[name]) && !isUnsigned(given[name], 64)) ??
    [...HINT_BITS].find(
      ([name, bits]) => isSet(hints[name]) && !isUnsigned(hints[name], bits),
    )?.[0];
  if (wrong !== undefined) return refuse(`invalid type for \`${wrong}\``);
  const fields = given["extra_fields"];
  if (isSet(fields) && !Array.isArray(fields)) return refuse("invalid type for `extra_fields`");
  const salt = given["cache_salt"];
  const pinned = pinIn(headers, "x-worker-instance-id", "x-dynamo-worker-instance-id");
  const prefill = pinIn(headers, "x-prefill-instance-id", "x-dynamo-prefill-instance-id");
  const nvext = {
    worker: pinned ?? idOf(given["decode_worker_id"]) ?? idOf(given["backend_instance_id"]),
    prefillWorker: prefill ?? idOf(given["prefill_worker_id"]),
    cacheSalt: typeof salt === "string" ? salt : undefined,
    extraFields: new Set(Array.isArray(fields) ? fields.map(String) : []),
  };
  return { ok: true, nvext };
}

const MEMBERS = namesIn(`
  greed_sampling use_raw_prompt annotations backend_instance_id token_data max_thinking_tokens
  cache_salt extra_fields metadata_upload prefill_worker_id decode_worker_id dp_rank
  prefill_dp_rank agent_hints agent_context request_timestamp_ms session_control
  routing_constraints router
`);
const HINTS = namesIn("priority strict_priority osl speculative_prefill latency_sensitivity");
const HINT_BITS: ReadonlyMap<string, number> = new Map([
  ["priority", 31],
  ["strict_priority", 32],
  ["osl", 32],
]);
const IDS = ["backend_instance_id", "prefill_worker_id", "decode_worker_id"];

/** A header that is no number is passed over. */
function pinIn(headers: Headers, ...names: readonly string[]): bigint | undefined {
  const told = names.map((name) => headers.get(name)).find((value) => value !== null);
  return told && /^\d+$/.test(told) ? BigInt(told) : undefined;
}

function idOf(value: unknown): bigint | undefined {
  return isUnsigned(value, 64) ? BigInt(value) : undefined;
}

function isUnsigned(value: unknown, bits: number): value is number | bigint {
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  return isWhole && (value as number | bigint) >= 0 && BigInt(value as number) < 1n << BigInt(bits);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function refuse(what: string): { ok: false; problem: Problem } {
  return { ok: false, problem: badRequest(`invalid nvext: ${what}`) };
}
