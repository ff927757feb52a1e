import { mediaOf } from "../core/media.ts";

/**
 * The emulated engines' tokenizer: a token is four bytes of UTF-8 text, read as a uint32; messages begin with two
 * header tokens and close with one end token. No UTF-8 byte is 0xff, so markers cannot be text.
 */
export function chatTokens(request: ChatPrompt): number[] {
  const tokens: number[] = [];
  if (request.tools && request.tools.length > 0) {
    addMessage(tokens, "tools", canonicalJson(request.tools));
  }
  for (const message of request.messages) {
    addMessage(tokens, roleOf(message), messageText(message));
  }
  // A last message that is to be continued is left open.
  if (request.continues) tokens.pop();
  else addHeader(tokens, "assistant");
  return tokens;
}

export type ChatPrompt = {
  readonly messages: readonly unknown[];
  readonly tools?: readonly unknown[] | undefined;
  /** The answer goes on where the last message ends. */
  readonly continues?: boolean;
};

const HEADER = 0xffffff00;
const ROLE = 0xfffe0000;
/** Closes a message. */
export const END = 0xffffff01;
const encoder = new TextEncoder();

/** Tokens of bare text: windows of four bytes, the last padded with zeros. */
export function textTokens(text: string): number[] {
  const bytes = encoder.encode(text);
  const tokens: number[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
    tokens.push(((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
  }
  return tokens;
}

/** The text of an assistant's tool calls as the chat template writes it, ids left out. */
export function toolCallText(
  calls: readonly { readonly name: string; readonly arguments: string }[],
): string {
  return calls
    .map(
      (call) =>
        `{"name":${JSON.stringify(call.name)},"arguments":${JSON.stringify(call.arguments)}}`,
    )
    .join("");
}

/** JSON with the members of every object in order of name. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isRecord(value)) return JSON.stringify(value) ?? "null";
  const members = Object.keys(value)
    .toSorted()
    .filter((name) => value[name] !== undefined)
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(value[name])}`);
  return `{${members.join(",")}}`;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The role of a chat message; anything without one speaks as the user. */
export function roleOf(message: unknown): string {
  return isRecord(message) && typeof message["role"] === "string" ? message["role"] : "user";
}

function addMessage(tokens: number[], role: string, text: string): void {
  addHeader(tokens, role);
  for (const token of textTokens(text)) tokens.push(token);
  tokens.push(END);
}

function addHeader(tokens: number[], role: string): void {
  let name = 0;
  for (const byte of encoder.encode(role)) name = (name * 31 + byte) & 0xffff;
  tokens.push(HEADER, (ROLE | name) >>> 0);
}

function messageText(message: unknown): string {
  if (!isRecord(message)) return canonicalJson(message);
  return contentText(message["content"]) + calledTools(message["tool_calls"]);
}

function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map(partText).join("");
}

function partText(part: unknown): string {
  if (!isRecord(part)) return canonicalJson(part);
  if (part["type"] === "text" && typeof part["text"] === "string") return part["text"];
  const media = mediaOf(part);
  return media ? mediaText(media.key) : canonicalJson(part);
}

/** A picture or sound takes the same number of tokens whatever its size, and others for other content. */
function mediaText(name: string): string {
  return name.repeat(MEDIA_TOKENS / (name.length / BYTES_PER_TOKEN));
}

/** A picture of 1024 x 1024 under the tile formula of common vision models. */
const MEDIA_TOKENS = 768;
const BYTES_PER_TOKEN = 4;

function calledTools(calls: unknown): string {
  if (!Array.isArray(calls)) return "";
  const functions = calls.map((call) => (isRecord(call) ? call["function"] : undefined));
  return toolCallText(
    functions
      .filter(isRecord)
      .map((fn) => ({ name: String(fn["name"]), arguments: String(fn["arguments"]) })),
  );
}
