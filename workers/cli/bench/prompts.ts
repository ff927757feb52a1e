import type { Model } from "../../../src/core/fleet.ts";
import { linkTokens, promptChain } from "../../../src/core/prefix.ts";
import type { Random } from "../../../src/core/random.ts";

export const CHARS_PER_TOKEN = 4;

export type Message = { readonly role: "system" | "user" | "assistant"; readonly content: string };

/** Text of about `chars` characters that no other call gives, with what JSON must escape here and there. */
export function text(chars: number, random: Random): string {
  const words: string[] = [];
  for (let length = 0; length < chars;) {
    const word = WORDS[Math.floor(random() * WORDS.length)] ?? "";
    words.push(word);
    length += word.length + 1;
  }
  return words.join(" ").slice(0, chars);
}

const WORDS = [
  "the engine answers",
  '"quoted"',
  "a line\nand another",
  "path/to/file.ts:42",
  "return value;",
  "größer",
  ...Array.from({ length: 200 }, (_, n) => `word${(n * 7919).toString(36)}`),
];

/** An agent's conversation of about `tokens` tokens: a system message, then the user (or a tool) and the assistant in turn. */
export function conversation(tokens: number, random: Random): Message[] {
  const messages: Message[] = [{ role: "system", content: text(MESSAGE_CHARS, random) }];
  const count = Math.round((tokens * CHARS_PER_TOKEN) / MESSAGE_CHARS) - 1;
  for (let n = 0; n < count; n++) {
    const role = n % 2 === 0 ? "user" : "assistant";
    messages.push({ role, content: text(MESSAGE_CHARS, random) });
  }
  return messages;
}

const MESSAGE_CHARS = 3000;

/** What a turn knows of a prompt: its chain and the tokens up to each link. */
export function chainOf(model: Model, messages: readonly Message[]) {
  const chain = promptChain({ model, salt: "bench", messages });
  const promptTokens = Math.ceil(chain.totalChars / CHARS_PER_TOKEN);
  return { chain: chain.bytes, linkTokens: linkTokens(chain, CHARS_PER_TOKEN), promptTokens };
}
