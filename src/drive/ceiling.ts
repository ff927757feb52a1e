import type { ChatMessage } from "../traces/conversation.ts";
import { PrefixTree } from "./prefix-tree.ts";

/** The hit rate a cache that forgets nothing would reach on the turns of this run. */
export class Ceiling {
  readonly #asked = new PrefixTree();
  readonly #withAnswers = new PrefixTree();

  /** Shares, 0..1, of these messages that an earlier turn of the run began with; remembers them. */
  ask(messages: readonly ChatMessage[]): CeilingShares {
    const text = rendered(messages);
    const shares = {
      asked: this.#asked.common(text) / text.length,
      withAnswers: this.#withAnswers.common(text) / text.length,
    };
    this.#asked.add(text);
    this.#withAnswers.add(text);
    return shares;
  }

  /** An engine holds the KV cache of what it generated, too. */
  answered(messages: readonly ChatMessage[], answer: string): void {
    this.#withAnswers.add(rendered([...messages, { role: "assistant", content: answer }]));
  }
}

/** Against the messages of earlier turns alone, and against those with their answers. */
export type CeilingShares = { readonly asked: number; readonly withAnswers: number };

function rendered(messages: readonly ChatMessage[]): Uint8Array {
  return new TextEncoder().encode(
    messages.map(({ role, content }) => `<|${role}|>\n${content}<|end|>\n`).join(""),
  );
}
