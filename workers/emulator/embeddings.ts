import type { Model } from "../../src/core/fleet.ts";
import { hash64, NO_HASH } from "../../src/core/hash64.ts";
import { seededRandom } from "../../src/core/random.ts";
import { isRecord } from "../../src/sim/tokens.ts";
import { readAsk, type EngineAsk } from "./ask.ts";
import type { Taken } from "./dialects/dialect.ts";
import type { Problem } from "./problem.ts";
import type { Run } from "./run.ts";

/** Reads a request for embeddings, which is prefilled and no more: its vectors are a function of its tokens. */
export function readEmbedding(
  body: unknown,
  model: Model,
  modelNames: ReadonlySet<string>,
): ({ readonly ok: true } & Embedding) | { readonly ok: false; readonly problem: Problem } {
  // It ends as the scheduler would write a first token, which nobody reads.
  const prefilled = isRecord(body) ? { ...body, n: 1, max_completion_tokens: 1 } : body;
  const read = readAsk("embeddings", prefilled, model, modelNames);
  if (!read.ok || !isRecord(body)) return read.ok ? { ok: false, problem: NO_OBJECT } : read;
  const { dimensions = DIMENSIONS, encoding_format: format = "float" } = body;
  if (!isDimensions(dimensions)) return refuse(`\`dimensions\` is from 1 to ${DIMENSIONS}.`);
  if (format !== "float" && format !== "base64") return refuse("Unknown `encoding_format`.");
  // No prefix of it is found.
  const ask = { ...read.ask, stream: false, cacheSalt: crypto.randomUUID() };
  return { ok: true, ask, taken: TAKEN, whole: (run) => listOf(run.ask, dimensions, format) };
}

export type Embedding = {
  readonly ask: EngineAsk;
  readonly taken: Taken;
  readonly whole: (run: Run) => string;
};

/** The vector of a text's tokens, of length 1. */
export function vectorOf(tokens: readonly number[], dimensions: number): Float32Array {
  const { high, low } = hash64(tokens.join(), NO_HASH);
  const random = seededRandom((high ^ low) >>> 0);
  const vector = Float32Array.from({ length: dimensions }, () => 2 * random() - 1);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const DIMENSIONS = 1024;

const TAKEN: Taken = {
  leg: "prefill",
  usage: ({ ask }) => ({ ...usageOf(ask), completion_tokens: 0 }),
};

function listOf(ask: EngineAsk, dimensions: number, format: "float" | "base64"): string {
  const data = ask.choices.map(({ tokens }, index) => {
    const vector = vectorOf(tokens, dimensions);
    const embedding = format === "float" ? [...vector] : base64Of(vector);
    return { object: "embedding", index, embedding };
  });
  return JSON.stringify({ object: "list", data, model: ask.model, usage: usageOf(ask) });
}

function usageOf({ promptTokens }: EngineAsk) {
  return { prompt_tokens: promptTokens, total_tokens: promptTokens };
}

/** Little-endian, as whoever runs this is. */
function base64Of(vector: Float32Array): string {
  return btoa(String.fromCodePoint(...new Uint8Array(vector.buffer)));
}

function isDimensions(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= DIMENSIONS;
}

function refuse(message: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { status: 400, code: "invalid_request", message } };
}

const NO_OBJECT = { status: 400, code: "invalid_body", message: "The body must be a JSON object." };
