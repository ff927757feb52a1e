import type { Receipt } from "../../src/core/receipt.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { type Question, receiptOf, requestOf, words } from "./ask.ts";

/** One turn as its client got it. */
export type Said = {
  readonly status: number;
  /** The body, byte for byte. */
  readonly raw: string;
  readonly text: string;
  /** What the body's own `usage` says; undefined where it does not. */
  readonly cachedTokens: number | undefined;
  readonly receipt: Receipt;
};

/** A conversation whose client looks at every byte of an answer, and may change what was said before. */
export class Talk {
  readonly #mesh: LocalMesh;
  readonly #question: Question;
  readonly messages: { role: "user" | "assistant"; content: string }[] = [];

  constructor(mesh: LocalMesh, question: Question) {
    this.#mesh = mesh;
    this.#question = question;
  }

  /** Says `count` words that no other seed gives, after all that was said before. */
  async say(seed: string, count: number, as: "stream" | "whole" = "stream"): Promise<Said> {
    this.messages.push({ role: "user", content: words(seed, count) });
    const stream = as === "stream";
    const { url, headers, body } = requestOf(this.#mesh, {
      ...this.#question,
      messages: this.messages,
      stream,
      ...(stream && { more: { stream_options: { include_usage: true } } }),
    });
    const response = await fetch(url, { method: "POST", headers, body });
    const raw = await response.text();
    const chunks = stream ? chunksOf(raw) : [JSON.parse(raw) as Chunk];
    const text = chunks.map(contentOf).join("");
    this.messages.push({ role: "assistant", content: text });
    const usage = chunks.findLast((chunk) => chunk.usage)?.usage;
    return {
      status: response.status,
      raw,
      text,
      cachedTokens: usage?.prompt_tokens_details?.cached_tokens,
      receipt: await receiptOf(this.#mesh, response),
    };
  }
}

type Chunk = {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string };
    readonly message?: { readonly content?: string };
  }[];
  readonly usage?: {
    readonly prompt_tokens_details?: { readonly cached_tokens?: number };
  } | null;
};

function chunksOf(raw: string): Chunk[] {
  return raw
    .split("\n\n")
    .filter((frame) => frame.startsWith("data: {"))
    .map((frame) => JSON.parse(frame.slice("data: ".length)) as Chunk);
}

function contentOf({ choices = [] }: Chunk): string {
  return choices[0]?.delta?.content ?? choices[0]?.message?.content ?? "";
}
