import { canonical } from "./canonical.ts";
import type { PlainPrompt } from "./chat-request.ts";
import type { Model } from "./fleet.ts";
import { hash64, hashHex, NO_HASH, type Hash64 } from "./hash64.ts";
import { type Media, mediaOf, mediaTokens } from "./media.ts";

/** A prompt as hashes of its prefixes: a link closes at each message end and every 2 KB inside one. */
export type Chain = {
  /** 8 bytes a link, each committing to everything before it. */
  readonly bytes: Uint8Array;
  /** Characters of prompt up to the end of each link. */
  readonly chars: Uint32Array;
  readonly totalChars: number;
  /** In the order of the prompt, each as often as it is there. */
  readonly media: readonly Media[];
};

const LINK_CHARS = 2048;
/** What a chat template adds to each message: role header and end mark. */
const TEMPLATE_CHARS = 12;
/** What is counted in tokens, as media by its model's formula, stands for so many characters each. */
export const CHARS_PER_COUNTED_TOKEN = 4;
const LINK_TOKENS = LINK_CHARS / CHARS_PER_COUNTED_TOKEN;

/** The chain of a prompt in its model's template order. `salt` parts tenants. */
export function promptChain(input: {
  readonly model: Model;
  readonly salt: string;
  readonly tools?: unknown;
  readonly messages: readonly unknown[];
  /** In place of messages; one after another where there are several. */
  readonly prompts?: readonly PlainPrompt[];
  /** Request members that change what the chat template renders. */
  readonly templateKnobs?: unknown;
}): Chain {
  const { order, keepsReasoning } = input.model.template;
  const identity = `${input.model.id}\n${input.salt}\n${canonical(input.templateKnobs)}`;
  const builder = new ChainBuilder(hash64(identity, NO_HASH));
  const add = (message: unknown) => {
    const media: Media[] = [];
    const text = renderMessage(message, keepsReasoning, media);
    const tokens = media.reduce((sum, { type }) => sum + mediaTokens(input.model, type), 0);
    builder.add(text, tokens * CHARS_PER_COUNTED_TOKEN, media);
  };
  for (const prompt of input.prompts ?? []) {
    if (typeof prompt === "string") builder.add(prompt);
    else builder.addTokens(prompt);
  }
  // Only the first messages have a place of their own; a later system message stays where it is.
  const others = input.messages.findIndex((message) => !isSystem(message));
  const leading = !order.includes("system") ? 0 : others < 0 ? input.messages.length : others;
  for (const part of order) {
    if (part === "tools" && isSome(input.tools)) builder.add(canonical(input.tools));
    if (part === "system") input.messages.slice(0, leading).forEach(add);
    if (part === "messages") input.messages.slice(leading).forEach(add);
  }
  return builder.finish();
}

/** Characters that a prompt counts as. */
export function plainChars(prompt: PlainPrompt): number {
  return typeof prompt === "string" ? prompt.length : prompt.length * CHARS_PER_COUNTED_TOKEN;
}

/** Tokens up to and including each link. */
export function linkTokens({ chars }: Pick<Chain, "chars">, charsPerToken: number): Uint32Array {
  return chars.map((upTo) => Math.ceil(upTo / charsPerToken));
}

/** Identifies an assistant message: its tool-call ids when it has any, else its trimmed text. */
export function answerKey(message: {
  readonly content?: unknown;
  readonly tool_calls?: unknown;
}): string {
  const calls: unknown[] = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  const ids = calls.map((call) => (isRecord(call) ? String(call["id"]) : ""));
  const identity =
    ids.length > 0 ? `calls\n${ids.join("\n")}` : `text\n${textOf(message.content).trim()}`;
  return hashHex(hash64(identity, NO_HASH));
}

/**
 * What names a session that no client named: who asks, of which model, with which system, tools and first message, and
 * the first answer. Without `answer` that answer must be among the messages; undefined when there is none yet.
 */
export function sessionSeed(
  facts: {
    readonly tenant: string;
    readonly model: string;
    readonly user?: string;
    readonly tools?: unknown;
    readonly messages: readonly unknown[];
  },
  answer?: string,
): string | undefined {
  const first = facts.messages.findIndex((message) => roleOf(message) === "assistant");
  const key = first >= 0 ? answerKey(facts.messages[first] as object) : answer;
  if (key === undefined) return undefined;
  const opening = first >= 0 ? facts.messages.slice(0, first) : facts.messages;
  const begin = hashHex(hash64(canonical([opening, facts.tools ?? null]), NO_HASH));
  return ["inferred", facts.tenant, facts.user ?? "", facts.model, begin, key].join("\n");
}

class ChainBuilder {
  #hash: Hash64;
  #chars = 0;
  readonly #links: Hash64[] = [];
  readonly #ends: number[] = [];
  readonly #media: Media[] = [];

  constructor(root: Hash64) {
    this.#hash = root;
  }

  add(text: string, extraChars = 0, media: readonly Media[] = []): void {
    this.#media.push(...media);
    for (let from = 0; from < text.length; from += LINK_CHARS) {
      const to = Math.min(text.length, from + LINK_CHARS);
      this.#hash = hash64(text, this.#hash, from, to);
      this.#chars += to - from;
      if (to === text.length) this.#chars += extraChars;
      this.#links.push(this.#hash);
      this.#ends.push(this.#chars);
    }
  }

  addTokens(ids: readonly number[]): void {
    for (let from = 0; from < ids.length; from += LINK_TOKENS) {
      const link = ids.slice(from, from + LINK_TOKENS);
      this.#hash = hash64(`tokens ${link.join()}`, this.#hash);
      this.#chars += link.length * CHARS_PER_COUNTED_TOKEN;
      this.#links.push(this.#hash);
      this.#ends.push(this.#chars);
    }
  }

  finish(): Chain {
    const bytes = new Uint8Array(this.#links.length * 8);
    const view = new DataView(bytes.buffer);
    for (const [index, { high, low }] of this.#links.entries()) {
      view.setUint32(index * 8, high);
      view.setUint32(index * 8 + 4, low);
    }
    const chars = Uint32Array.from(this.#ends);
    return { bytes, chars, totalChars: this.#chars, media: this.#media };
  }
}

/**
 * What of a message enters the prompt; its media is added to `media`. Plain text stays plain, so that its length is
 * near what the template makes of it.
 */
function renderMessage(message: unknown, keepsReasoning: boolean, media: Media[]): string {
  if (!isRecord(message)) return canonical(message);
  const { role, content, ...rest } = message;
  const text = typeof content === "string" ? content : canonical(namingMedia(content, media));
  const entered = Object.entries(rest).filter(
    ([name, value]) =>
      isSome(value) && (role !== "assistant" || entersAnswer(name, keepsReasoning)),
  );
  const more = entered.length > 0 ? canonical(Object.fromEntries(entered)) : "";
  return `${" ".repeat(TEMPLATE_CHARS - 8)}${String(role).slice(0, 8).padEnd(8)}${text}${more}`;
}

/** Clients send answers back with members that no template renders. */
function entersAnswer(name: string, keepsReasoning: boolean): boolean {
  return name === "tool_calls" || name === "name" || (keepsReasoning && name.startsWith("reason"));
}

/** Media enters by its name: a picture of a megabyte is no megabyte of prompt. */
function namingMedia(content: unknown, media: Media[]): unknown {
  if (!Array.isArray(content)) return content ?? null;
  return content.map((part: unknown) => {
    const found = mediaOf(part);
    if (found === undefined) return part;
    media.push(found);
    return `${found.type} ${found.key}`;
  });
}

function isSome(value: unknown): boolean {
  return value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0);
}

function isSystem(message: unknown): boolean {
  const role = roleOf(message);
  return role === "system" || role === "developer";
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (isRecord(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join("");
}

function roleOf(message: unknown): unknown {
  return isRecord(message) ? message["role"] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
