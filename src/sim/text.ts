import { beginningOf, chainHash, extend, seedOf, type BlockHash, type Held } from "./hash.ts";
import { END, isRecord, textTokens, toolCallText } from "./tokens.ts";

/** What an engine will say: pieces of text, one per token, and why it stops. */
export type Output = {
  readonly pieces: readonly string[];
  readonly tokens: readonly number[];
  readonly finish: "stop" | "length" | "tool_calls";
  readonly toolCall?: ToolCall;
};

export type ToolCall = { readonly id: string; readonly name: string; readonly arguments: string };

const CONSONANTS = "bdfgklmnprstvz";
const VOWELS = "aeiou";
const SHORTEST = 40;
const LONGEST = 400;

/** Pseudo-words, four characters a token: a function of the KV cache that `seed` names. */
export function wordsFrom(seed: BlockHash, limit: Limit): Output {
  const natural = SHORTEST + (numberAt(seed, -1) % (LONGEST - SHORTEST + 1));
  const wanted = limit.maxTokens ?? natural;
  const count = Math.max(1, Math.min(wanted, limit.room));
  const stops = limit.maxTokens === undefined && natural <= limit.room;
  const pieces = Array.from({ length: count }, (_, index) =>
    word(numberAt(seed, index), index === 0, stops && index === count - 1),
  );
  const tokens = pieces.flatMap(textTokens);
  return { pieces, tokens, finish: stops ? "stop" : "length" };
}

export type Limit = {
  /** What the caller allowed, if it said. */
  readonly maxTokens: number | undefined;
  /** Tokens left in the context window. */
  readonly room: number;
};

/**
 * What is said after the tokens of `asked` from `from` on, which are the beginning of an answer: its rest where it is
 * what that prompt gives and `held` is its KV cache; else what any prompt of these tokens gives.
 */
export function wordsAfter(
  held: Held,
  { asked, from }: { readonly asked: readonly number[]; readonly from: number },
  { maxTokens, room }: Limit,
): Output {
  const said = asked.slice(from);
  const prompt = beginningOf(held, asked, from);
  const whole = wordsFrom(seedOf(prompt), {
    maxTokens: maxTokens === undefined ? undefined : said.length + maxTokens,
    room: said.length + room,
  });
  const isHeld = seedOf(extend(prompt, said)) === seedOf(held);
  if (!isHeld || said.some((token, index) => token !== whole.tokens[index])) {
    return wordsFrom(seedOf(held), { maxTokens, room });
  }
  if (said.length === whole.tokens.length) return ALL_SAID;
  return {
    pieces: whole.pieces.slice(said.length),
    tokens: whole.tokens.slice(said.length),
    finish: whole.finish,
  };
}

/** The end mark of an answer is a token like others, but no text. */
const ALL_SAID: Output = { pieces: [""], tokens: [END], finish: "stop" };

/** The first `count` tokens of what will be said, at least one. */
export function cutTo(output: Output, count: number): Output {
  if (output.pieces.length <= count) return output;
  const kept = Math.max(1, count);
  const pieces = output.pieces.slice(0, kept);
  const { toolCall } = output;
  return {
    pieces,
    tokens: output.tokens.slice(0, kept),
    finish: "length",
    ...(toolCall && { toolCall: { ...toolCall, arguments: pieces.join("") } }),
  };
}

/** A call of one tool, its arguments made up from the tool's schema. */
export function toolCallFrom(seed: BlockHash, tool: ToolShape, limit: Limit): Output {
  const args = JSON.stringify(valueFor(tool.parameters, seed, 0));
  const text = toolCallText([{ name: tool.name, arguments: args }]);
  const tokens = textTokens(text);
  const count = Math.max(1, Math.min(limit.maxTokens ?? tokens.length, limit.room, tokens.length));
  const isWhole = count === tokens.length;
  const said = { pieces: slices(args, count, tokens.length), tokens: tokens.slice(0, count) };
  const id = `call_${chainHash(seed, [1], 0, 1)}`;
  const toolCall = { id, name: tool.name, arguments: said.pieces.join("") };
  return { ...said, finish: isWhole ? "tool_calls" : "length", toolCall };
}

/** JSON that obeys a schema, made up as a tool's arguments are. */
export function jsonFrom(seed: BlockHash, schema: unknown, limit: Limit): Output {
  const text = JSON.stringify(valueFor(schema, seed, 0));
  const tokens = textTokens(text);
  const count = Math.max(1, Math.min(limit.maxTokens ?? tokens.length, limit.room, tokens.length));
  const finish = count === tokens.length ? "stop" : "length";
  return { pieces: slices(text, count, tokens.length), tokens: tokens.slice(0, count), finish };
}

/** The first `count` of `of` equal slices of a text. */
function slices(text: string, count: number, of: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    text.slice(
      Math.floor((index * text.length) / of),
      Math.floor(((index + 1) * text.length) / of),
    ),
  );
}

export type ToolShape = { readonly name: string; readonly parameters: unknown };

function word(random: number, isFirst: boolean, isLast: boolean): string {
  const first = pick(CONSONANTS, random);
  const vowel = pick(VOWELS, random >>> 4);
  const second = pick(CONSONANTS, random >>> 8);
  if (isLast) return `${first}${vowel}${second}.`;
  if (!isFirst && (random >>> 16) % 5 < 3) return ` ${first}${vowel}${second}`;
  return `${first}${vowel}${second}${pick(VOWELS, random >>> 12)}`;
}

function pick(letters: string, random: number): string {
  return letters.charAt(random % letters.length);
}

function numberAt(seed: BlockHash, index: number): number {
  return Number.parseInt(chainHash(seed, [index >>> 0], 0, 1).slice(0, 8), 16);
}

function valueFor(schema: unknown, seed: BlockHash, depth: number): unknown {
  if (!isRecord(schema) || depth > 6) return {};
  if ("const" in schema) return schema["const"];
  const choices = schema["enum"];
  if (Array.isArray(choices) && choices.length > 0) {
    return choices[numberAt(seed, depth) % choices.length];
  }
  const anyOf = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(anyOf) && anyOf.length > 0) return valueFor(anyOf[0], seed, depth + 1);
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  return valueOfType(type, schema, seed, depth);
}

function valueOfType(
  type: unknown,
  schema: Record<string, unknown>,
  seed: BlockHash,
  depth: number,
): unknown {
  const random = numberAt(seed, depth);
  switch (type) {
    case "string":
      return wordsFrom(chainHash(seed, [depth], 0, 1), { maxTokens: 2, room: 2 }).pieces.join("");
    case "integer":
    case "number":
      return typeof schema["minimum"] === "number" ? schema["minimum"] : random % 100;
    case "boolean":
      return random % 2 === 0;
    case "null":
      return null;
    case "array":
      return [valueFor(schema["items"], chainHash(seed, [7], 0, 1), depth + 1)];
    default:
      return objectFor(schema["properties"], seed, depth);
  }
}

function objectFor(properties: unknown, seed: BlockHash, depth: number): Record<string, unknown> {
  if (!isRecord(properties)) return {};
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    const tokens = textTokens(name);
    values[name] = valueFor(schema, chainHash(seed, tokens, 0, tokens.length), depth + 1);
  }
  return values;
}
