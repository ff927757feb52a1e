import { randomInt } from "node:crypto";
import { AskError } from "./ask-error.ts";
import {
  type Body,
  flagIn,
  invalid,
  isBody,
  numberIn,
  objectIn,
  stringIn,
  unsupported,
} from "./fields.ts";
import type { ChatPrompt, Message } from "./prompt.ts";

const MOST_STOPS = 16;
const MOST_SEED = 2 ** 32 - 1;

/** What the answer must be: any text, any JSON object, JSON of a schema, or what a GBNF grammar allows. */
export type Format =
  | { readonly kind: "text" }
  | { readonly kind: "json" }
  | { readonly kind: "schema"; readonly schema: Body }
  | { readonly kind: "gbnf"; readonly grammar: string };

/** A completion that was asked for, as read from a body. */
export type Ask = {
  readonly prompt: ChatPrompt | string | readonly number[];
  readonly model: string;
  readonly salt: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Undefined is as many as the context holds. */
  readonly maxTokens: number | undefined;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly stops: readonly string[];
  readonly format: Format;
  readonly kvParams: unknown;
};

/** Reads the body of a chat completion; throws an `AskError` (400) that names the member that is wrong. */
export function readChat(body: unknown, model: string): Ask {
  const own = bodyOf(body);
  for (const param of ["tools", "functions"]) {
    const value = own[param];
    if (Array.isArray(value) && value.length > 0) {
      throw unsupported(param, "this engine gives no tool calls; leave it out");
    }
  }
  const messages = own.messages;
  if (!Array.isArray(messages) || messages.length === 0) {
    throw invalid("messages", "a list of at least one message");
  }
  const prompt: ChatPrompt = {
    messages: messages.map(readMessage),
    continueFinalMessage: flagIn(own, "continue_final_message", false),
    addGenerationPrompt: flagIn(own, "add_generation_prompt", true),
    templateArguments: objectIn(own, "chat_template_kwargs"),
  };
  const most = { least: 1, most: 1_048_576, whole: true };
  const maxTokens =
    numberIn(own, "max_completion_tokens", most) ?? numberIn(own, "max_tokens", most);
  return { ...common(own, model), prompt, maxTokens };
}

/** Reads the body of a text completion; throws an `AskError` (400) that names the member that is wrong. */
export function readText(body: unknown, model: string): Ask {
  const own = bodyOf(body);
  for (const param of ["suffix", "echo"]) {
    if (own[param]) throw unsupported(param, "this engine does not know it");
  }
  const maxTokens = numberIn(own, "max_tokens", { least: 1, most: 1_048_576, whole: true }) ?? 16;
  return { ...common(own, model), prompt: readPrompt(own.prompt), maxTokens };
}

/** A text or a list of token ids. */
export function readPrompt(prompt: unknown): string | number[] {
  if (typeof prompt === "string") return prompt;
  if (Array.isArray(prompt) && prompt.length === 1 && typeof prompt[0] === "string") {
    return prompt[0];
  }
  if (Array.isArray(prompt) && prompt.length > 0 && prompt.every(Number.isInteger)) return prompt;
  throw invalid("prompt", "a string or a list of token ids");
}

function bodyOf(body: unknown): Body {
  if (isBody(body)) return body;
  throw new AskError(400, "invalid_value", "The body must be a JSON object");
}

function common(body: Body, model: string): Omit<Ask, "prompt" | "maxTokens"> {
  const asked = stringIn(body, "model", model);
  if (asked !== model) {
    throw new AskError(404, "model_not_found", `This engine runs ${model}, not ${asked}`, "model");
  }
  for (const param of ["n", "best_of"]) {
    if ((body[param] ?? 1) !== 1) throw unsupported(param, "this engine gives one answer");
  }
  for (const param of ["logprobs", "top_logprobs", "frequency_penalty", "presence_penalty"]) {
    if (body[param]) throw unsupported(param, "this engine does not know it");
  }
  const streamOptions = objectIn(body, "stream_options");
  return {
    model,
    salt: stringIn(body, "cache_salt", ""),
    stream: flagIn(body, "stream", false),
    includeUsage: flagIn(streamOptions, "include_usage", false),
    temperature: numberIn(body, "temperature", { least: 0, most: 2 }) ?? 1,
    topP: numberIn(body, "top_p", { least: 0, most: 1 }) ?? 1,
    seed:
      numberIn(body, "seed", { least: 0, most: MOST_SEED, whole: true }) ?? randomInt(MOST_SEED),
    stops: readStops(body.stop),
    format: readFormat(body),
    kvParams: body.kv_transfer_params,
  };
}

function readMessage(message: unknown, index: number): Message {
  const param = `messages[${index}]`;
  if (!isBody(message)) throw invalid(param, "an object");
  const { role, content, name } = message;
  if (typeof role !== "string") throw invalid(`${param}.role`, "a string");
  return {
    role,
    content: readContent(content, `${param}.content`),
    ...(typeof name === "string" ? { name } : {}),
  };
}

function readContent(content: unknown, param: string): string {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw invalid(param, "a string or a list of text parts");
  const texts = content.map((part: unknown) => {
    if (isBody(part) && part.type === "text" && typeof part.text === "string") return part.text;
    throw unsupported(param, "this engine reads parts of type text only");
  });
  return texts.join("");
}

function readStops(stop: unknown): readonly string[] {
  const stops = stop === undefined || stop === null ? [] : Array.isArray(stop) ? stop : [stop];
  if (stops.length > MOST_STOPS || !stops.every((one) => typeof one === "string" && one !== "")) {
    throw invalid("stop", `a string or at most ${MOST_STOPS} of them, none empty`);
  }
  return stops;
}

function readFormat({ response_format: format, grammar }: Body): Format {
  if (typeof grammar === "string") return { kind: "gbnf", grammar };
  if (format === undefined || format === null) return { kind: "text" };
  if (!isBody(format)) throw invalid("response_format", "an object");
  if (format.type === "text") return { kind: "text" };
  if (format.type === "json_object") return { kind: "json" };
  const { json_schema: named } = format;
  if (format.type === "json_schema" && isBody(named) && isBody(named.schema)) {
    return { kind: "schema", schema: named.schema };
  }
  throw invalid("response_format", "of type text, json_object or json_schema with a schema");
}
