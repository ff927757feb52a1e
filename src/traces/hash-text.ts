import { seededRandom } from "../core/random.ts";

/**
 * Text of the tokens `[from, to)` of a prompt known by its block hashes: exactly four ASCII characters per token,
 * equal for equal ids within `scope`. Positions past the last block are filled with text of `tail`'s own.
 */
export function hashText(prompt: HashedPrompt, from: number, to: number): string {
  const parts: string[] = [];
  for (let at = from; at < to;) {
    const index = Math.floor(at / prompt.blockSize);
    const id = prompt.ids[index];
    const start = index * prompt.blockSize;
    const end = Math.min(to, start + prompt.blockSize);
    const key =
      id === undefined ? `${prompt.scope}#${prompt.tail}#${index}` : `${prompt.scope}:${id}`;
    parts.push(blockText(key, prompt.blockSize).slice((at - start) * CHARS, (end - start) * CHARS));
    at = end;
  }
  return parts.join("");
}

export type HashedPrompt = {
  /** Ids are compared within one scope: a session for local ids, the trace for global ones. */
  readonly scope: string;
  readonly ids: readonly (number | string)[];
  /** Tokens per block. */
  readonly blockSize: number;
  readonly tail: string;
};

const CHARS = 4;

const WORDS = [..."bcdfghjklmnprstvwz"].flatMap((first) =>
  [..."aeiou"].flatMap((vowel) => [..."bdgklmnprst"].map((last) => `${first}${vowel}${last} `)),
);

function blockText(key: string, tokens: number): string {
  const random = seededRandom(fnv1a(key));
  let text = "";
  for (let token = 0; token < tokens; token += 1)
    text += WORDS[Math.floor(random() * WORDS.length)];
  return text;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
