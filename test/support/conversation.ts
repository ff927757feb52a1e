import type { Receipt } from "../../src/core/receipt.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { ask, receiptOf, words, type Question } from "./ask.ts";

/** A conversation as a client holds it: every turn sends all that was said before, the question's own messages first. */
export class Conversation {
  readonly #question: Question;
  readonly #seed: string;
  readonly #messages: Record<string, unknown>[];

  constructor(seed: string, question: Question = {}) {
    this.#seed = seed;
    this.#question = question;
    this.#messages = [...(question.messages ?? [])];
  }

  /** Says something new of `count` words at one edge, and gives the receipt of the turn. */
  async turn(mesh: LocalMesh, edge: number, count = 150): Promise<Receipt> {
    const content = words(`${this.#seed}t${this.#messages.length}w`, count);
    this.#messages.push({ role: "user", content });
    const seen = await ask(mesh, { ...this.#question, edge, messages: [...this.#messages] });
    if (!seen.done) throw new Error(`${seen.status}: ${seen.error ?? seen.text}`);
    this.#messages.push({ role: "assistant", content: seen.text });
    return receiptOf(mesh, seen, edge);
  }
}
