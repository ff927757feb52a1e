import type { Item, Part } from "./items.ts";

/**
 * Items as the messages of a chat. Reasoning, text and calls that follow each other were one answer, and are one
 * assistant's message again.
 */
export function chatMessages(
  instructions: string | null | undefined,
  items: readonly Item[],
): ChatMessage[] {
  const messages: ChatMessage[] = [];
  if (instructions) messages.push({ role: "system", content: instructions });
  let answer: Assistant | undefined;
  for (const item of items) {
    const next = answerWith(answer, item);
    if (next !== undefined) {
      if (next !== answer) messages.push(next);
      answer = next;
      continue;
    }
    answer = undefined;
    messages.push(messageOf(item));
  }
  return messages;
}

export type ChatMessage = {
  readonly role: string;
  readonly content: unknown;
  readonly tool_call_id?: string;
};

type Assistant = {
  role: "assistant";
  content: unknown;
  reasoning_content?: string;
  tool_calls?: object[];
};

/** The answer that an item belongs to: the one before it, with it added, or a new one. Undefined for what others said. */
function answerWith(before: Assistant | undefined, item: Item): Assistant | undefined {
  const empty = (): Assistant => ({ role: "assistant", content: null });
  const isBegun = before !== undefined && (before.content !== null || before.tool_calls);
  if (item.type === "reasoning") {
    const answer = isBegun ? empty() : (before ?? empty());
    answer.reasoning_content = (answer.reasoning_content ?? "") + reasoningOf(item);
    return answer;
  }
  if (item.type === "message" && item.role === "assistant") {
    const answer = isBegun ? empty() : (before ?? empty());
    answer.content = contentOf(item.content);
    return answer;
  }
  if (item.type !== "function_call") return undefined;
  const answer = before ?? empty();
  const call = { name: item.name, arguments: item.arguments };
  answer.tool_calls = [
    ...(answer.tool_calls ?? []),
    { id: item.call_id, type: "function", function: call },
  ];
  return answer;
}

function messageOf(item: Item): ChatMessage {
  if (item.type === "function_call_output") {
    return { role: "tool", tool_call_id: item.call_id, content: contentOf(item.output) };
  }
  if (item.type !== "message") throw new TypeError(`an item of type ${item.type} is no message`);
  // Chat templates know no developers.
  const role = item.role === "developer" ? "system" : item.role;
  return { role, content: contentOf(item.content) };
}

/** The thoughts themselves where they are there, else what was made of them. */
function reasoningOf({ content, summary }: Extract<Item, { type: "reasoning" }>): string {
  const parts = content && content.length > 0 ? content : (summary ?? []);
  return parts.map(({ text = "" }) => text).join("");
}

/** One text is a string, as most say it: so the same words are the same prompt. */
function contentOf(parts: readonly Part[]): unknown {
  const [first] = parts;
  if (first === undefined) return "";
  if (parts.length === 1 && first.text !== undefined) return first.text;
  return parts.map(partOf);
}

/** What is not known here is known to an engine, or refused by it. */
function partOf(part: Part): object {
  switch (part.type) {
    case "input_text":
    case "output_text":
      return { type: "text", text: part.text };
    case "refusal":
      return { type: "refusal", refusal: part.refusal };
    case "input_image": {
      const detail = part.detail == null ? {} : { detail: part.detail };
      return { type: "image_url", image_url: { url: part.image_url, ...detail } };
    }
    case "input_file": {
      const filename = part.filename == null ? {} : { filename: part.filename };
      return { type: "file", file: { file_data: part.file_data, ...filename } };
    }
    default:
      return part;
  }
}
