import type { ChatRequest } from "../../core/chat-request.ts";
import { parseExact } from "../../core/exact-json.ts";
import { chatRequest } from "../chat/parse.ts";
import type { ParsedRequest } from "../app-api.ts";
import { apiError } from "../errors.ts";
import { parseBody } from "../parse-body.ts";
import { chatMessages } from "./chat-messages.ts";
import { chatTools, chatToolChoice } from "./chat-tools.ts";
import { sessionIn } from "./claude-code.ts";
import { messageRenderer } from "./renderer.ts";
import {
  countSchema,
  ENGINE_MEMBERS,
  type MessagesBody,
  messagesSchema,
  type PromptBody,
} from "./schema.ts";

export function parseMessages(bytes: Uint8Array): ParsedRequest {
  const parsed = parseBody(bytes, messagesSchema, parseExact);
  if (!parsed.ok) return parsed;
  const { body } = parsed;
  if (body.thread != null) {
    const error = apiError("thread_unsupported_request", NO_THREADS, "thread");
    return { ok: false, error };
  }
  return { ok: true, request: requestOf(body), answer: (facts) => messageRenderer(body, facts) };
}

const NO_THREADS = "Threads that a server keeps are not supported here: send all messages.";

/** The prompt of `count_tokens` as the request that engines would get. */
export function parseCount(bytes: Uint8Array): ParsedRequest {
  const parsed = parseBody(bytes, countSchema, parseExact);
  return parsed.ok ? { ok: true, request: requestOf({ ...parsed.body, max_tokens: 1 }) } : parsed;
}

function requestOf(body: MessagesBody): ChatRequest {
  const chat = { ...promptOf(body), ...settingsOf(body) };
  const bytes = new TextEncoder().encode(JSON.stringify(chat));
  const userId = body.metadata?.user_id;
  return {
    ...chatRequest(chat, bytes),
    includeUsage: true,
    ...(userId && { metadataUserId: sessionIn(userId) }),
    ...(hasHint(body) && { comesBack: true }),
  };
}

function promptOf({ model, system, messages, tools, tool_choice: choice }: PromptBody) {
  const last = messages.at(-1);
  return {
    model,
    messages: chatMessages(system, messages),
    ...(tools && tools.length > 0 && { tools: chatTools(tools) }),
    ...(choice && chatToolChoice(choice)),
    // The answer begins with what the caller has put into the assistant's mouth.
    ...(last?.role === "assistant" && {
      continue_final_message: true,
      add_generation_prompt: false,
    }),
  };
}

function settingsOf(body: MessagesBody) {
  const { output_config: output, stop_sequences: stop, service_tier: tier } = body;
  const asTheyCame = ENGINE_MEMBERS.flatMap((name) =>
    body[name] === undefined ? [] : [[name, body[name]] as const],
  );
  return {
    max_tokens: body.max_tokens,
    ...(body.stream && { stream: true }),
    ...numbers(body, ["temperature", "top_p", "top_k"]),
    ...(stop && stop.length > 0 && { stop }),
    ...(tier && { service_tier: tier === "standard_only" ? "default" : tier }),
    ...(body.cache_salt && { cache_salt: body.cache_salt }),
    ...(output?.effort && { reasoning_effort: effortOf(output.effort) }),
    ...(output?.format && { response_format: formatOf(output.format.schema) }),
    ...Object.fromEntries(asTheyCame),
  };
}

function numbers(body: MessagesBody, names: readonly ("temperature" | "top_p" | "top_k")[]) {
  return Object.fromEntries(
    names.flatMap((name) => (body[name] == null ? [] : [[name, body[name]]])),
  );
}

/** More than `high` is not known to all engines. */
function effortOf(effort: string): string {
  return effort === "xhigh" || effort === "max" ? "high" : effort;
}

function formatOf(schema: object) {
  return { type: "json_schema", json_schema: { name: "output", schema, strict: true } };
}

/** True when the caller marks anything as worth keeping in a cache. */
function hasHint({ cache_control, system, messages, tools }: PromptBody): boolean {
  const blocks = messages.flatMap(({ content }) => [...content] as { cache_control?: unknown }[]);
  const marked = [{ cache_control }, ...(system ?? []), ...(tools ?? []), ...blocks];
  return marked.some(({ cache_control: hint }) => hint !== null && hint !== undefined);
}
