import { rawMember, splice, topLevelMembers } from "./json-members.ts";
import type { Usage } from "./leg.ts";

/** Reading the chunks of OpenAI chat streams: cheap looks first, `JSON.parse` only where one matters. */

export type AnswerMessage = { readonly content?: unknown; readonly tool_calls?: unknown };

const encoder = new TextEncoder();

const FILLED = /"(?:content|reasoning_content|reasoning|refusal|text|finish_reason)"\s*:\s*"[^"]/;
const TEXT = /"(?:content|reasoning_content|reasoning|refusal|text)"\s*:\s*"[^"]/;

/** True when a chunk carries something of the answer: text, a tool call, a refusal, reasoning, or its end. */
export function isContentFrame(data: string): boolean {
  if (!data.includes('"choices"') || /"choices"\s*:\s*\[\s*\]/.test(data)) return false;
  // Quotes inside JSON strings are escaped, so this finds members only.
  if (FILLED.test(data)) return true;
  return choicesOf(data).some(({ delta, text, finish_reason: end }) => {
    if (typeof end === "string" || (typeof text === "string" && text !== "")) return true;
    return Object.entries(delta ?? {}).some(([name, value]) => name !== "role" && isSome(value));
  });
}

/** True when a chunk carries generated tokens, not only the end of the answer. */
export function hasTokens(data: string): boolean {
  if (TEXT.test(data)) return true;
  return choicesOf(data).some(
    ({ delta, text }) =>
      (typeof text === "string" && text !== "") ||
      Object.entries(delta ?? {}).some(([name, value]) => name !== "role" && isSome(value)),
  );
}

/** True for the extra chunk that ends a stream with `include_usage`. */
export function isUsageOnly(data: string): boolean {
  return /"choices"\s*:\s*\[\s*\]/.test(data) && /"usage"\s*:\s*\{/.test(data);
}

/** True for an error in the stream. SGLang's router sends Python's quotes. */
export function isErrorFrame(data: string): boolean {
  if (/^\{\s*'error'\s*:/.test(data)) return true;
  if (!data.includes('"error"')) return false;
  const parsed = parse(data);
  return isRecord(parsed) && (isSome(parsed["error"]) || parsed["object"] === "error");
}

/** The `usage` member of a chunk or a whole answer; anything malformed is no report at all. */
export function readChunkUsage(data: string): Usage | undefined {
  const parsed = parse(data);
  return isRecord(parsed) ? readUsage(parsed["usage"]) : undefined;
}

/** Reads an OpenAI `usage` object; where all tokens are the prompt's, as in embeddings, none are output. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined;
  const promptTokens = count(value["prompt_tokens"]);
  const isAllPrompt = promptTokens !== undefined && value["total_tokens"] === promptTokens;
  const outputTokens = count(value["completion_tokens"] ?? (isAllPrompt ? 0 : undefined));
  if (promptTokens === undefined || outputTokens === undefined) return undefined;
  const details = value["prompt_tokens_details"];
  const claimed = isRecord(details) ? count(details["cached_tokens"]) : undefined;
  // Nobody finds more than was asked for: such a figure tells nothing.
  const cachedTokens = claimed !== undefined && claimed > promptTokens ? undefined : claimed;
  return { promptTokens, outputTokens, ...(cachedTokens !== undefined && { cachedTokens }) };
}

/** Puts the true count of cached prompt tokens into the `usage` of an answer or chunk, or takes the count out when unknown. */
export function withCachedTokens(
  json: Uint8Array,
  cachedTokens: number | undefined,
): Uint8Array<ArrayBuffer> {
  const usage = rawMember(json, ["usage"]);
  const set: Record<string, string> = {};
  if (usage?.startsWith("{")) set["usage"] = usageWith(usage, cachedTokens);
  return splice(json, topLevelMembers(json), { set, remove: [] });
}

/** All but that one figure stays as the engine wrote it. */
function usageWith(usage: string, cachedTokens: number | undefined): string {
  const before = rawMember(encoder.encode(usage), [DETAILS]);
  const details = edited(before?.startsWith("{") ? before : "{}", {
    set: cachedTokens === undefined ? {} : { cached_tokens: String(cachedTokens) },
    remove: ["cached_tokens"],
  });
  const isEmpty = topLevelMembers(encoder.encode(details)).length === 0;
  return edited(usage, { set: isEmpty ? {} : { [DETAILS]: details }, remove: [DETAILS] });
}

const DETAILS = "prompt_tokens_details";

function edited(object: string, edits: Parameters<typeof splice>[2]): string {
  const bytes = encoder.encode(object);
  return new TextDecoder().decode(splice(bytes, topLevelMembers(bytes), edits));
}

export type AnswerCollector = {
  add(data: string): void;
  /** The first choice's message as the next request will carry it; undefined before anything came. */
  answer(): AnswerMessage | undefined;
  /** What was said of an answer that goes on, and in which chunk first; undefined unless it is plain text so far. */
  begun(): Begun | undefined;
};

export type Begun = { readonly text: string; readonly firstChunk: string };

/** Gathers the first choice of a streamed answer; of one that is over `maxChars` there is no answer. */
export function collectAnswer(maxChars = MAX_ANSWER_CHARS): AnswerCollector {
  let text = "";
  let seen = false;
  let chars = 0;
  let firstChunk: string | undefined;
  let isPlain = true;
  const calls: { id: string }[] = [];
  return {
    add(data) {
      if (chars > maxChars) return;
      const choices = choicesOf(data);
      firstChunk ??= data;
      isPlain &&= choices.length === 1 && isPlainText(choices[0]);
      const delta = choices.find(({ index = 0 }) => index === 0)?.delta;
      if (!isRecord(delta)) return;
      seen = true;
      const content = typeof delta["content"] === "string" ? delta["content"] : "";
      const fragments = Array.isArray(delta["tool_calls"]) ? delta["tool_calls"] : [];
      const ids = fragments.filter(isRecord).map(({ id }) => id);
      const begun = ids.filter((id) => typeof id === "string");
      text += content;
      calls.push(...begun.map((id) => ({ id })));
      chars += content.length + begun.join("").length + begun.length;
    },
    answer: () =>
      seen && chars <= maxChars
        ? { content: text, ...(calls.length > 0 && { tool_calls: calls }) }
        : undefined,
    begun: () =>
      isPlain && firstChunk !== undefined && chars <= maxChars ? { text, firstChunk } : undefined,
  };
}

/** Of the only choice, and neither its end nor anything but text. */
function isPlainText(choice: Choice | undefined): boolean {
  if (choice === undefined || (choice.index ?? 0) !== 0) return false;
  if (isSome(choice.finish_reason) || isSome(choice.logprobs)) return false;
  const { delta } = choice;
  for (const name in delta) {
    if (name !== "content" && name !== "role" && isSome(delta[name])) return false;
  }
  return true;
}

/** No conversation goes on from an answer of more characters. */
const MAX_ANSWER_CHARS = 8 * 1024 * 1024;

type Choice = {
  index?: unknown;
  delta?: Record<string, unknown>;
  text?: unknown;
  finish_reason?: unknown;
  logprobs?: unknown;
};

function choicesOf(data: string): Choice[] {
  const parsed = parse(data);
  const choices = isRecord(parsed) ? parsed["choices"] : undefined;
  return Array.isArray(choices) ? choices.filter(isRecord) : [];
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

function isSome(value: unknown): boolean {
  return (
    value !== null &&
    value !== undefined &&
    value !== "" &&
    !(Array.isArray(value) && value.length === 0)
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
