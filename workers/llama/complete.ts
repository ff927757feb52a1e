import {
  type Llama,
  type LlamaGrammar,
  LlamaGrammarEvaluationState,
  type Token,
} from "node-llama-cpp";
import type { Ask, Format } from "./ask.ts";
import { AskError } from "./ask-error.ts";
import type { Brought, Fetched, Handle, KvAsk, KvTransfer } from "./engine.ts";
import type { Counters } from "./metrics.ts";
import type { LoadedModel } from "./model.ts";
import { chatTokens, textTokens } from "./prompt.ts";
import type { Held, Sequences } from "./sequences.ts";
import { TextStream } from "./text-stream.ts";

export type Engine = {
  readonly loaded: LoadedModel;
  readonly sequences: Sequences;
  readonly kv: KvTransfer;
  readonly counters: Counters;
};

export type Usage = {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
};

/** How a completion ended. */
export type Ending = {
  readonly finishReason: "stop" | "length";
  readonly usage: Usage;
  /** What the answer says in `kv_transfer_params`. */
  readonly kv: (Partial<Handle> & { readonly fetched?: Fetched }) | undefined;
};

type Job = { readonly ask: Ask; readonly kvAsk: KvAsk; readonly prompt: readonly Token[] };

/** The tokens of what was asked; throws an `AskError` when they are too many for the context. */
export function promptTokens({ loaded, sequences }: Engine, prompt: Ask["prompt"]): Token[] {
  const tokens = tokensOf(loaded, prompt);
  const most = sequences.contextTokens - 1;
  if (tokens.length > most) {
    throw new AskError(
      400,
      "context_length_exceeded",
      `The prompt is ${tokens.length} tokens long; this engine takes at most ${most}`,
      typeof prompt === "object" && "messages" in prompt ? "messages" : "prompt",
    );
  }
  if (tokens.length === 0)
    throw new AskError(400, "invalid_value", "The prompt is empty", "prompt");
  return tokens;
}

/** Runs a completion: yields text as it becomes certain and returns how it ended. Frees its sequence in any case. */
export async function* complete(
  engine: Engine,
  ask: Ask,
  signal: AbortSignal,
): AsyncGenerator<string, Ending, void> {
  const { sequences, kv } = engine;
  const job = {
    ask,
    kvAsk: ask.kvParams === undefined ? {} : kv.read(ask.kvParams),
    prompt: promptTokens(engine, ask.prompt),
  };
  const brought = await kv.bring(job.kvAsk, job.prompt, ask.salt, signal);
  let held: Held;
  try {
    const statePath = brought.state?.path;
    held = await sequences.hold({ prompt: job.prompt, salt: ask.salt, statePath, signal });
  } finally {
    await brought.done();
  }
  try {
    return yield* answer(engine, job, held, brought, signal);
  } finally {
    held.free();
  }
}

async function* answer(
  engine: Engine,
  job: Job,
  held: Held,
  brought: Brought,
  signal: AbortSignal,
): AsyncGenerator<string, Ending, void> {
  const { kvAsk, prompt } = job;
  const { slot, cachedTokens, stateFailed } = held;
  let completionTokens = 0;
  let finishReason: Ending["finishReason"] = "length";
  engine.counters.prompt(prompt.length, cachedTokens);
  if (kvAsk.leave === "prompt") {
    await slot.read(prompt, prompt.length - 1, signal);
  } else {
    ({ completionTokens, finishReason } = yield* write(engine, job, held, signal));
  }
  signal.throwIfAborted();
  const handle = await left(engine, job, slot);
  const fetched = stateFailed === undefined ? brought.fetched : { failed: stateFailed };
  const said = { ...handle, ...(fetched === undefined ? {} : { fetched }) };
  return {
    finishReason,
    usage: { promptTokens: prompt.length, cachedTokens, completionTokens },
    kv: handle === undefined && fetched === undefined ? undefined : said,
  };
}

/** A prefill leg's state is all that it was for; an answer is worth telling without one. */
async function left(
  { kv }: Engine,
  { ask, kvAsk }: Job,
  slot: Held["slot"],
): Promise<Handle | undefined> {
  if (kvAsk.leave === undefined) return undefined;
  if (kvAsk.leave === "prompt") return kv.leave(slot, ask.salt);
  return kv.leave(slot, ask.salt).catch(() => undefined);
}

type Written = Pick<Usage, "completionTokens"> & Pick<Ending, "finishReason">;

async function* write(
  { loaded, counters }: Engine,
  { ask, prompt }: Job,
  { slot }: Held,
  signal: AbortSignal,
): AsyncGenerator<string, Written, void> {
  const { temperature, topP, seed, stops, maxTokens = Number.POSITIVE_INFINITY } = ask;
  const grammar = await grammarOf(loaded, ask.format);
  const stream = new TextStream(
    (tokens, before) => loaded.model.detokenize(asTokens(tokens), false, asTokens(before)),
    stops,
    prompt,
  );
  const sampling = { temperature, topP, seed, ...(grammar === undefined ? {} : { grammar }) };
  let completionTokens = 0;
  let finishReason: Ending["finishReason"] = "stop";
  for await (const token of slot.generate(prompt, sampling, signal)) {
    completionTokens += 1;
    counters.output();
    const text = stream.push(token);
    if (text !== "") yield text;
    if (stream.stopped) break;
    if (completionTokens === maxTokens || slot.size >= slot.mostTokens) {
      finishReason = "length";
      break;
    }
  }
  const rest = stream.end();
  if (rest !== "") yield rest;
  return { completionTokens, finishReason: stream.stopped ? "stop" : finishReason };
}

async function grammarOf(
  { llama, model }: LoadedModel,
  format: Format,
): Promise<LlamaGrammarEvaluationState | undefined> {
  if (format.kind === "text") return undefined;
  try {
    const grammar = await compiled(llama, format);
    return new LlamaGrammarEvaluationState({ model, grammar });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const param = format.kind === "gbnf" ? "grammar" : "response_format";
    throw new AskError(400, "invalid_value", `${param} makes no grammar: ${why}`, param);
  }
}

function compiled(llama: Llama, format: Exclude<Format, { kind: "text" }>): Promise<LlamaGrammar> {
  switch (format.kind) {
    case "gbnf":
      return llama.createGrammar({ grammar: format.grammar });
    case "json":
      return llama.getGrammarFor("json");
    case "schema":
      return llama.createGrammarForJsonSchema(format.schema as { type: "object" });
  }
}

function tokensOf(loaded: LoadedModel, prompt: Ask["prompt"]): Token[] {
  if (typeof prompt === "string") return textTokens(loaded, prompt);
  if ("messages" in prompt) return chatTokens(loaded, prompt);
  const most = loaded.model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  if (prompt.every((token) => token >= 0 && token < most)) return asTokens(prompt);
  throw new AskError(400, "invalid_value", `Token ids go from 0 to ${most - 1}`, "prompt");
}

/** The library marks its numbers as tokens. */
function asTokens(tokens: readonly number[]): Token[] {
  return tokens as Token[];
}
