import type { Model } from "../../src/core/fleet.ts";
import { chainHash, type Held, seedOf } from "../../src/sim/hash.ts";
import {
  jsonFrom,
  toolCallFrom,
  wordsAfter,
  wordsFrom,
  type Limit,
  type Output,
  type ToolShape,
} from "../../src/sim/text.ts";
import { chatTokens, isRecord, roleOf, textTokens } from "../../src/sim/tokens.ts";
import type { Problem } from "./problem.ts";

export type Api = "chat" | "text" | "embeddings";

/** A completion request as the engine understood it. */
export type EngineAsk = {
  readonly api: Api;
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** `cache_salt`; empty without one. */
  readonly cacheSalt: string;
  /** One per choice to answer. */
  readonly choices: readonly {
    readonly tokens: readonly number[];
    readonly output: (held: Held) => Output;
    /** False for the second and further answers to one prompt. */
    readonly isFirst: boolean;
  }[];
  /** Prompt tokens over all prompts, each counted once. */
  readonly promptTokens: number;
};

const PROMPTS = { chat: "messages", text: "prompt", embeddings: "input" } as const;

/**
 * Reads the body of a chat or text completion, or of embeddings; `continues`: the engine knows `continue_final_message`.
 */
export function readAsk(
  api: Api,
  body: unknown,
  model: Model,
  modelNames: ReadonlySet<string>,
  continues = false,
): { ok: true; ask: EngineAsk } | { ok: false; problem: Problem } {
  if (!isRecord(body)) return refuse(400, "invalid_body", "The body must be a JSON object.");
  const name = typeof body["model"] === "string" ? body["model"] : model.id;
  if (!modelNames.has(name)) {
    return refuse(404, "model_not_found", `The model \`${name}\` does not exist.`);
  }
  if ((api === "embeddings") !== (model.kind === "embedding")) {
    return refuse(400, "unsupported_task", `The model \`${name}\` cannot do this.`);
  }
  const isContinued = continues && api === "chat" && body["continue_final_message"] === true;
  if (isContinued && body["add_generation_prompt"] !== false) {
    return refuse(400, "invalid_request", BOTH);
  }
  const member = PROMPTS[api];
  const prompts = api === "chat" ? chatPrompts(body, isContinued) : textPrompts(body[member]);
  if (!prompts) {
    return refuse(400, "invalid_prompt", `\`${member}\` is missing or malformed.`);
  }
  const longest = Math.max(...prompts.map((tokens) => tokens.length));
  if (longest >= model.contextWindow) {
    const limit = `This model's maximum context length is ${model.contextWindow} tokens`;
    return refuse(400, "context_length_exceeded", `${limit}; the prompt has ${longest}.`);
  }
  const from = isContinued ? beginningOfAnswer(body) : undefined;
  const asked = choicesOf(body, prompts, model, from);
  return { ok: true, ask: { ...shapeOf(api, name, body), ...asked } };
}

const BOTH = "Cannot set both `continue_final_message` and `add_generation_prompt` to True.";

function refuse(status: 400 | 404, code: string, message: string): { ok: false; problem: Problem } {
  return { ok: false, problem: { status, code, message } };
}

function shapeOf(
  api: Api,
  model: string,
  body: Record<string, unknown>,
): Pick<EngineAsk, "api" | "model" | "stream" | "includeUsage" | "cacheSalt"> {
  const options = body["stream_options"];
  const includeUsage = isRecord(options) && options["include_usage"] === true;
  const salt = body["cache_salt"];
  const cacheSalt = typeof salt === "string" ? salt : "";
  return { api, model, stream: body["stream"] === true, includeUsage, cacheSalt };
}

function choicesOf(
  body: Record<string, unknown>,
  prompts: readonly number[][],
  model: Model,
  from: number | undefined,
): Pick<EngineAsk, "choices" | "promptTokens"> {
  const n = Math.max(1, Math.min(128, count(body["n"]) ?? 1));
  const maxTokens = count(body["max_completion_tokens"]) ?? count(body["max_tokens"]);
  const tool = toolToCall(body);
  const schema = schemaOf(body["response_format"]);
  const choices = prompts.flatMap((tokens) =>
    Array.from({ length: n }, (_, variant) => ({
      tokens,
      isFirst: variant === 0,
      output: (held: Held) => {
        const seed = seedOf(held);
        const own = variant === 0 ? seed : chainHash(seed, [variant], 0, 1);
        const limit: Limit = { maxTokens, room: model.contextWindow - tokens.length };
        if (from !== undefined) return wordsAfter(held, { asked: tokens, from }, limit);
        if (tool) return toolCallFrom(own, tool, limit);
        return schema ? jsonFrom(own, schema, limit) : wordsFrom(own, limit);
      },
    })),
  );
  return { choices, promptTokens: prompts.reduce((sum, tokens) => sum + tokens.length, 0) };
}

function chatPrompts(body: Record<string, unknown>, continues: boolean): number[][] | undefined {
  const messages = body["messages"];
  if (!Array.isArray(messages) || messages.length === 0 || !messages.every(isRecord)) {
    return undefined;
  }
  return [chatTokens({ messages, tools: toolsOf(body), continues })];
}

/** How many tokens come before the first that the last message says. */
function beginningOfAnswer(body: Record<string, unknown>): number {
  const messages = Array.isArray(body["messages"]) ? body["messages"] : [];
  const tools = toolsOf(body);
  return chatTokens({ messages: messages.slice(0, -1), tools }).length;
}

function toolsOf(body: Record<string, unknown>): unknown[] | undefined {
  return Array.isArray(body["tools"]) ? body["tools"] : undefined;
}

function textPrompts(prompt: unknown): number[][] | undefined {
  if (typeof prompt === "string") return [nonEmpty(textTokens(prompt))];
  if (!Array.isArray(prompt) || prompt.length === 0) return undefined;
  if (prompt.every((item) => typeof item === "number")) return [prompt];
  const prompts = prompt.map(textPrompts);
  return prompts.every((one) => one !== undefined) ? prompts.flat() : undefined;
}

/** An empty prompt still has its begin-of-text token. */
function nonEmpty(tokens: number[]): number[] {
  return tokens.length > 0 ? tokens : [0];
}

/** The tool that this request makes the model call, if any. */
function toolToCall(body: Record<string, unknown>): ToolShape | undefined {
  const tools = Array.isArray(body["tools"]) ? body["tools"].filter(isRecord) : [];
  const shapes = tools
    .map((tool) => tool["function"])
    .filter(isRecord)
    .map((fn) => ({ name: String(fn["name"]), parameters: fn["parameters"] }));
  const choice = body["tool_choice"];
  if (choice === "none") return undefined;
  if (isRecord(choice) && isRecord(choice["function"])) {
    const { name } = choice["function"];
    return shapes.find((shape) => shape.name === name);
  }
  const messages = Array.isArray(body["messages"]) ? body["messages"] : [];
  const isAsked = roleOf(messages.at(-1)) === "user";
  return isAsked || choice === "required" ? shapes[0] : undefined;
}

/** What the answer has to obey, if anything. */
function schemaOf(format: unknown): object | undefined {
  if (!isRecord(format)) return undefined;
  if (format["type"] === "json_object") return { type: "object" };
  const given = format["json_schema"];
  return isRecord(given) && isRecord(given["schema"]) ? given["schema"] : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}
