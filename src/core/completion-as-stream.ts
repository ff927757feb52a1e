import {
  rawItems,
  rawMember,
  rawMemberOf,
  splice,
  spliceText,
  topLevelMembers,
} from "./json-members.ts";

/**
 * A whole completion (chat or text) as the event stream of the same answer: one chunk with all choices, one with the
 * usage, the end. Every value stays as the engine wrote it. Throws `SyntaxError` for anything else.
 */
export function completionAsStream(body: Uint8Array): Uint8Array {
  const choices = rawMember(body, ["choices"]);
  if (choices === undefined) throw new SyntaxError("a completion has `choices`");
  const isText = rawMember(body, ["object"]) === '"text_completion"';
  const object = isText ? undefined : { object: '"chat.completion.chunk"' };
  const members = topLevelMembers(body);
  const chunk = (raw: string, remove: readonly string[]): string => {
    const edited = splice(body, members, { set: { ...object, choices: raw }, remove });
    // Between values only: inside a JSON string a line break is escaped.
    return `data: ${new TextDecoder().decode(edited).replaceAll(/[\r\n]+/g, " ")}\n\n`;
  };
  const said = chunk(`[${rawItems(choices).map(asDelta).join(",")}]`, ["usage"]);
  const usage = rawMember(body, ["usage"]);
  const counted = usage === undefined || usage === "null" ? "" : chunk("[]", []);
  return new TextEncoder().encode(`${said}${counted}data: [DONE]\n\n`);
}

/** A choice of a chat says in a stream `delta` where it says `message` in a whole answer. */
function asDelta(choice: string): string {
  const message = rawMemberOf(choice, "message");
  if (message === undefined) return choice;
  const delta = message.startsWith("{") ? withIndexes(message) : "{}";
  return spliceText(choice, { set: { delta }, remove: ["message"] });
}

/** In a stream each tool call tells its place. */
function withIndexes(message: string): string {
  const calls = rawMemberOf(message, "tool_calls");
  if (!calls?.startsWith("[")) return message;
  const placed = rawItems(calls).map((call, index) =>
    rawMemberOf(call, "index") === undefined
      ? spliceText(call, { set: { index: String(index) }, remove: [] })
      : call,
  );
  return spliceText(message, { set: { tool_calls: `[${placed.join(",")}]` }, remove: [] });
}
