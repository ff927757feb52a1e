import type {
  AssistantBlock,
  MediaBlock,
  Message,
  TextBlock,
  ToolResult,
  UserBlock,
} from "./blocks.ts";
import { isBillingLine } from "./claude-code.ts";

/** A conversation as a chat has it: the system's text first, each tool's result a message of its own. */
export function chatMessages(
  system: readonly TextBlock[] | null | undefined,
  messages: readonly Message[],
): ChatMessage[] {
  const texts = (system ?? []).map(({ text }) => text).filter((text) => !isBillingLine(text));
  const leading = texts.length > 0 ? [{ role: "system", content: texts.join("\n") }] : [];
  return [...leading, ...messages.flatMap(chatMessagesOf)];
}

export type ChatMessage = { readonly role: string; readonly [name: string]: unknown };

function chatMessagesOf(message: Message): ChatMessage[] {
  if (message.role === "user") return userMessages(message.content);
  if (message.role === "assistant") return [assistantMessage(message.content)];
  return [{ role: "system", content: message.content.map(({ text }) => text).join("\n") }];
}

/** Results follow the calls they answer at once; what else the user says, and what they hold that is no text, comes after. */
function userMessages(blocks: readonly UserBlock[]): ChatMessage[] {
  const results = blocks.filter((block) => block.type === "tool_result");
  const said = blocks.filter((block) => block.type !== "tool_result");
  const shown = results.flatMap(({ content = [] }) => content.filter(isShown));
  const parts = [...shown, ...said].flatMap(partsOf);
  const user = parts.length > 0 || results.length === 0 ? [userMessage(parts)] : [];
  return [...results.map(toolMessage), ...user];
}

type Part = { readonly type: string; readonly [name: string]: unknown };

function userMessage(parts: readonly Part[]): ChatMessage {
  const [only] = parts;
  const isPlain = parts.length === 1 && only?.type === "text";
  return { role: "user", content: isPlain ? only["text"] : parts };
}

function toolMessage({ tool_use_id, content = [], is_error }: ToolResult): ChatMessage {
  const texts = content.filter((block) => !isShown(block)).flatMap(partsOf);
  const text = texts.map((part) => String(part["text"])).join("\n");
  // A chat has no other place to say so.
  return { role: "tool", tool_call_id: tool_use_id, content: is_error ? `Error: ${text}` : text };
}

/** A chat's tool message holds text alone. */
function isShown(block: MediaBlock): boolean {
  return block.type === "image" || (block.type === "document" && block.source.type === "base64");
}

function partsOf(block: MediaBlock): Part[] {
  if (block.type === "text") return [{ type: "text", text: block.text }];
  if (block.type === "image")
    return [{ type: "image_url", image_url: { url: urlOf(block.source) } }];
  const { source, title, context } = block;
  const about = [title, context].filter((text) => text !== null && text !== undefined);
  if (source.type === "text") return [{ type: "text", text: [...about, source.data].join("\n") }];
  const file = { filename: title ?? "document.pdf", file_data: urlOf(source) };
  return [...(context ? [{ type: "text", text: context }] : []), { type: "file", file }];
}

type Source = { type: "base64"; media_type: string; data: string } | { type: "url"; url: string };

function urlOf(source: Source): string {
  return source.type === "url" ? source.url : `data:${source.media_type};base64,${source.data}`;
}

function assistantMessage(blocks: readonly AssistantBlock[]): ChatMessage {
  const text = blocks.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
  const thought = blocks.flatMap((block) => (block.type === "thinking" ? [block.thinking] : []));
  const calls = blocks.flatMap((block) => (block.type === "tool_use" ? [callOf(block)] : []));
  return {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    ...(thought.some((one) => one !== "") && { reasoning_content: thought.join("") }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

function callOf({ id, name, input }: Extract<AssistantBlock, { type: "tool_use" }>) {
  return { id, type: "function", function: { name, arguments: JSON.stringify(input) } };
}
