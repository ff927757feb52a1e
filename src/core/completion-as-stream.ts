import { splice, rawMember, topLevelMembers } from "./json-members.ts";

/**
 * A whole completion (chat or text) as the event stream of the same answer: one chunk with all choices, one with the
 * usage, the end. Numbers and unknown members stay as the engine wrote them. Throws `SyntaxError` for anything else.
 */
export function completionAsStream(body: Uint8Array): Uint8Array {
  const choices = rawMember(body, ["choices"]);
  if (choices === undefined) throw new SyntaxError("a completion has `choices`");
  const parsed: unknown = JSON.parse(choices);
  if (!Array.isArray(parsed)) throw new SyntaxError("the `choices` of a completion are a list");
  const isChat = rawMember(body, ["object"]) !== '"text_completion"';
  const chunk = (set: Record<string, string>, remove: readonly string[]): string => {
    const object = isChat ? { object: '"chat.completion.chunk"' } : {};
    const edited = splice(body, topLevelMembers(body), { set: { ...object, ...set }, remove });
    return `data: ${new TextDecoder().decode(edited).replaceAll(/[\r\n]+/g, " ")}\n\n`;
  };
  const said = chunk({ choices: JSON.stringify(parsed.map(deltaOf)) }, ["usage"]);
  const usage = rawMember(body, ["usage"]);
  const counted = usage === undefined || usage === "null" ? "" : chunk({ choices: "[]" }, []);
  return new TextEncoder().encode(`${said}${counted}data: [DONE]\n\n`);
}

function deltaOf(choice: unknown): unknown {
  if (typeof choice !== "object" || choice === null || !("message" in choice)) return choice;
  const { message, ...rest } = choice;
  return { ...rest, delta: withIndexes(message) };
}

/** In a stream each tool call tells its place. */
function withIndexes(message: unknown): unknown {
  if (typeof message !== "object" || message === null) return {};
  if (!("tool_calls" in message) || !Array.isArray(message.tool_calls)) return message;
  const calls: unknown[] = message.tool_calls;
  const isCall = (call: unknown): call is object => typeof call === "object" && call !== null;
  return {
    ...message,
    tool_calls: calls.filter(isCall).map((call, index) => ({ index, ...call })),
  };
}
