import {
  rawItems,
  rawMember,
  rawMemberOf,
  splice,
  spliceText,
  topLevelMembers,
} from "../core/json-members.ts";
import type { Usage } from "../core/leg.ts";
import type { SequelRequest } from "./sequel-request.ts";

/**
 * Makes the chunks of a sequel those of the answer that it goes on with: under the names of its first chunk, without a
 * beginning of their own. Undefined for a chunk that says nothing then.
 */
export function sequelChunks(
  firstChunk: string,
  { owed, isSpent }: Pick<SequelRequest, "owed" | "isSpent">,
): (data: string) => string | undefined {
  const names = namesOf(firstChunk);
  let left = owed;

  /** What was not said before. */
  function unsaid(content: string): string {
    if (isSpent) return "";
    let same = 0;
    while (same < left.length && content[same] === left[same]) same += 1;
    left = same === content.length ? left.slice(same) : "";
    return content.slice(same);
  }

  function choiceOf(choice: string): string {
    const delta = rawMemberOf(choice, "delta");
    const hasEnded = isSome(rawMemberOf(choice, "finish_reason"));
    const end = isSpent && hasEnded ? { finish_reason: '"length"' } : {};
    if (!delta?.startsWith("{")) return spliceText(choice, { set: end, remove: [] });
    const content: unknown = JSON.parse(rawMemberOf(delta, "content") ?? "null");
    const said = typeof content === "string" ? { content: JSON.stringify(unsaid(content)) } : {};
    const set = { ...end, delta: spliceText(delta, { set: said, remove: ["role"] }) };
    return spliceText(choice, { set, remove: [] });
  }

  return (data) => {
    const bytes = encoder.encode(data);
    const raw = rawMember(bytes, ["choices"]);
    if (raw === undefined) return data;
    const choices = raw.startsWith("[") ? rawItems(raw).map(choiceOf) : [];
    const isBare = choices.length > 0 && !choices.some(saysSomething);
    if (isBare && !isSome(rawMember(bytes, ["usage"]))) return undefined;
    const set = { ...names, choices: `[${choices.join(",")}]` };
    const remove = NAMES.filter((name) => names[name] === undefined);
    return decoder.decode(splice(bytes, topLevelMembers(bytes), { set, remove }));
  };
}

/** The `usage` of a chunk of a sequel as that of the whole answer: the prompt is the client's own. */
export function withWholeUsage(
  json: Uint8Array,
  { promptTokens, outputTokens }: Usage,
): Uint8Array {
  const raw = rawMember(json, ["usage"]);
  if (!raw?.startsWith("{")) return json;
  const counts = {
    prompt_tokens: String(promptTokens),
    completion_tokens: String(outputTokens),
    total_tokens: String(promptTokens + outputTokens),
  };
  const usage = spliceText(raw, { set: counts, remove: [] });
  return splice(json, topLevelMembers(json), { set: { usage }, remove: [] });
}

/** What both engines of an answer used for it, each token counted once. */
export function wholeUsage(sequel: Usage, { from, isSpent }: SequelRequest): Usage {
  return {
    promptTokens: Math.max(1, sequel.promptTokens - from),
    outputTokens: from + (isSpent ? 0 : sequel.outputTokens),
  };
}

/** What all chunks of one answer have in common, raw. */
const NAMES = ["id", "created", "model", "system_fingerprint"];

function namesOf(chunk: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const raw = rawMemberOf(chunk, name);
      return raw === undefined ? [] : [[name, raw] as const];
    }),
  );
}

function saysSomething(choice: string): boolean {
  if (isSome(rawMemberOf(choice, "finish_reason"))) return true;
  const delta = rawMemberOf(choice, "delta");
  if (!delta?.startsWith("{")) return delta === undefined;
  const members = topLevelMembers(encoder.encode(delta));
  return members.some(({ name }) => isSome(rawMemberOf(delta, name)));
}

function isSome(raw: string | undefined): boolean {
  return raw !== undefined && raw !== "null" && raw !== '""' && raw !== "[]";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
