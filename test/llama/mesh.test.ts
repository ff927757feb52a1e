import { describe, expect, it } from "vitest";
import { ask, receiptOf } from "../support/ask.ts";
import { DECODES, PREFILLS, useLlamaFleet } from "./llama-mesh.ts";

const started = useLlamaFleet();

/** Prompt tokens, about: what the template adds is little, and a character is a token. */
const LENGTHS = [
  10, 15, 17, 33, 64, 100, 127, 200, 255, 300, 400, 511, 513, 700, 900, 1200, 1500, 2000, 2500,
  2950,
];

describe("a request prefilled by one llama.cpp process and decoded by another", () => {
  it.each(LENGTHS)("says what a single one would, token for token: %i tokens", async (length) => {
    const { fleet } = started;
    const messages = [{ role: "user", content: textOf(length) }];
    const stream = length % 2 === 0;
    const alone = await fleet.alone({ messages, max_tokens: 48, temperature: 0 });
    const cachedBefore = await cachedOfDecodes();
    const question = { messages, maxTokens: 48, stream, more: { temperature: 0 } };
    const seen = await ask(fleet.mesh, question);
    expect(seen.status, seen.text).toBe(200);
    expect(stream ? seen.text : contentOf(seen.text)).toBe(alone.text);
    const receipt = await receiptOf(fleet.mesh, seen);
    const { promptTokens, outputTokens } = alone;
    expect(receipt).toMatchObject({ mode: "disaggregated", promptTokens, outputTokens });
    const [prefill, decode] = receipt.work;
    expect(PREFILLS).toContain(prefill?.engine);
    expect(DECODES).toContain(decode?.engine);
    // By the engine's own count it computed nothing of the prompt but its last token.
    expect((await cachedOfDecodes()) - cachedBefore).toBe(promptTokens - 1);
    const fetched = decode?.told?.fetched;
    if (fetched === undefined || "failed" in fetched)
      throw new Error(`it fetched: ${fetched?.failed}`);
    expect(fetched).toMatchObject({ tokens: promptTokens - 1 });
    expect(receipt.actual).toMatchObject({ kvBytes: fetched.bytes, handoffMs: fetched.ms });
    expect(fetched.bytes).toBeGreaterThan(0);
  });
});

async function cachedOfDecodes(): Promise<number> {
  const { fleet } = started;
  const figures = DECODES.map((name) => fleet.metric(name, "prompt_tokens_cached_total"));
  return (await Promise.all(figures)).reduce((sum, figure) => sum + figure, 0);
}

/** Text of so many characters that no other length begins with. */
function textOf(length: number): string {
  const word = (n: number) => `${((n + 1) * (length + 7)) % 9973} `;
  return Array.from({ length }, (_, n) => word(n))
    .join("")
    .slice(0, length);
}

function contentOf(whole: string): string {
  const { choices } = JSON.parse(whole) as {
    readonly choices: readonly { readonly message: { readonly content: string } }[];
  };
  return choices[0]?.message.content ?? "";
}
