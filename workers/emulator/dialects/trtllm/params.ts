import { isRecord } from "../../../../src/sim/tokens.ts";
import type { Problem } from "../../problem.ts";
import { parseExactly } from "../exact-json.ts";
import { namesIn } from "../names-in.ts";
import { engineError, invalid, unknownMember } from "./errors.ts";

/** `disaggregated_params` as the server understands them. */
export type Params = {
  readonly type: "context_only" | "generation_only" | "context_and_generation";
  /** By which both engines know the request, digit for digit. */
  readonly number: string | undefined;
  readonly firstTokens: readonly number[] | undefined;
  /** Base64. */
  readonly state: string | undefined;
  readonly endpoint: string | undefined;
  readonly isGenerationFirst: boolean;
  /** Usage that the context engine told, where its router passes it on. */
  readonly contextUsage: Readonly<Record<string, unknown>> | undefined;
};

/** Reads them out of a body; `known` are the names that this version takes. */
export function readParams(
  text: string,
  known: ReadonlySet<string>,
): { ok: true; params: Params | undefined } | { ok: false; problem: Problem } {
  const given = parseExactly(text)[NAME];
  if (given === undefined || given === null) return { ok: true, params: undefined };
  if (!isRecord(given)) {
    return refuse(invalid("model_attributes_type", [NAME], "Input should be a valid dictionary"));
  }
  const stranger = Object.keys(given).find((name) => !known.has(name));
  if (stranger !== undefined) return refuse(unknownMember([NAME, stranger]));
  for (const [name, kind] of Object.entries(KINDS)) {
    const value = given[name] ?? undefined;
    if (value !== undefined && !kind.is(value)) {
      return refuse(invalid(kind.error, [NAME, name], kind.says));
    }
  }
  if (given["request_type"] === undefined) {
    return refuse(invalid("missing", [NAME, "request_type"], "Field required"));
  }
  const type = TYPES.find((one) => one === String(given["request_type"]).toLowerCase());
  if (!type) {
    const asked = `Unknown request type: ${String(given["request_type"])}.`;
    return refuse(engineError(`${asked} Must be ${TYPES.slice(0, 2).join(", ")} or ${TYPES[2]}`));
  }
  return { ok: true, params: { type, ...membersOf(given) } };
}

/** Names that versions since 1.0 know, and those of today. */
export const KNOWN_SINCE_1_0 = namesIn(
  "request_type first_gen_tokens ctx_request_id encoded_opaque_state draft_tokens",
);

export const KNOWN: ReadonlySet<string> = new Set([
  ...KNOWN_SINCE_1_0,
  ...namesIn(`
    first_gen_log_probs first_gen_logits disagg_request_id ctx_dp_rank ctx_info_endpoint
    schedule_style ctx_usage return_prompt_token_ids_b64 resolved_thinking
  `),
]);

const NAME = "disaggregated_params";
const TYPES = ["context_only", "generation_only", "context_and_generation"] as const;

function membersOf(given: Readonly<Record<string, unknown>>): Omit<Params, "type"> {
  const number = given["disagg_request_id"] ?? given["ctx_request_id"] ?? undefined;
  const usage = given["ctx_usage"];
  return {
    number: number === undefined ? undefined : String(number),
    firstTokens: numbers(given["first_gen_tokens"]),
    state: textOr(given["encoded_opaque_state"]),
    endpoint: textOr(given["ctx_info_endpoint"]),
    isGenerationFirst: given["schedule_style"] === 1,
    contextUsage: isRecord(usage) ? usage : undefined,
  };
}

function textOr(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numbers(value: unknown): readonly number[] | undefined {
  return Array.isArray(value) ? value.map(Number) : undefined;
}

type Kind = {
  readonly is: (value: unknown) => boolean;
  readonly error: string;
  readonly says: string;
};

/** The engine numbers requests with 64 bits. */
const MOST = 2n ** 64n - 1n;

function isInt(value: unknown): boolean {
  if (typeof value === "bigint") return value >= 0n && value <= MOST;
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

const INT: Kind = {
  is: isInt,
  error: "int_type",
  says: "Input should be a valid integer",
};
const TEXT: Kind = {
  is: (value) => typeof value === "string",
  error: "string_type",
  says: "Input should be a valid string",
};
const LIST: Kind = {
  is: (value) => Array.isArray(value),
  error: "list_type",
  says: "Input should be a valid list",
};
const BOOL: Kind = {
  is: (value) => typeof value === "boolean",
  error: "bool_type",
  says: "Input should be a valid boolean",
};
const INTS: Kind = { ...LIST, is: (value) => Array.isArray(value) && value.every(isInt) };
const STYLE: Kind = {
  is: (value) => value === 0 || value === 1,
  error: "enum",
  says: "Input should be 0 or 1",
};
const OBJECT: Kind = {
  is: isRecord,
  error: "model_attributes_type",
  says: "Input should be a valid dictionary",
};

const KINDS: Readonly<Record<string, Kind>> = {
  request_type: TEXT,
  first_gen_tokens: INTS,
  first_gen_log_probs: LIST,
  first_gen_logits: LIST,
  ctx_request_id: INT,
  encoded_opaque_state: TEXT,
  draft_tokens: INTS,
  disagg_request_id: INT,
  ctx_dp_rank: INT,
  ctx_info_endpoint: TEXT,
  schedule_style: STYLE,
  ctx_usage: OBJECT,
  return_prompt_token_ids_b64: BOOL,
  resolved_thinking: BOOL,
};

function refuse(problem: Problem): { ok: false; problem: Problem } {
  return { ok: false, problem };
}
