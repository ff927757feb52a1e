import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { ask, receiptOf } from "../support/ask.ts";
import { DECODES, pulling, useLlamaFleet } from "./llama-mesh.ts";

const started = useLlamaFleet({ meshOf: pulling });

/** Characters, which are tokens, of what all prompts begin with. */
const SHARED = 2000;

describe("a prefix that one llama.cpp process has cached", () => {
  it("is pulled by another, which says what one would that computed it", async () => {
    await say(0);
    // A process cannot share the prefix of a request that still runs: more at once would compute it.
    const all = await Promise.all([1, 2].map(say));
    const pulled = all.flatMap(({ receipt }) => receipt.work.filter(({ pull }) => pull));
    expect(pulled).toHaveLength(1);
    const [leg] = pulled;
    const fetched = leg?.told?.fetched;
    if (fetched === undefined || "failed" in fetched) throw new Error(`none: ${fetched?.failed}`);
    expect(fetched.tokens).toBeGreaterThanOrEqual(SHARED);
    expect(fetched.bytes).toBeGreaterThan(0);
    expect(leg?.cachedTokens).toBeGreaterThanOrEqual(SHARED);
    for (const { n, text } of all) expect(text).toBe((await alone(n)).text);
    // By the engines' own counts what all begin with was computed once.
    for (const { receipt } of all) expect(computed(receipt)).toBeLessThan(SHARED);
  });

  it("is computed again where that process was killed, and nothing fails", async () => {
    const first = await say(10);
    const from = first.receipt.work[0]?.engine ?? "";
    expect(DECODES).toContain(from);
    await started.fleet.kill(from);
    const all = await Promise.all([11, 12, 13].map(say));
    for (const { n, text, receipt } of all) {
      expect(receipt.status).toBe("completed");
      expect(text).toBe((await alone(n)).text);
    }
  });
});

function questionOf(n: number) {
  const line = (at: number) => `${(at + 1) * 7919 * (Math.floor(n / 10) + 3)} `;
  const shared = Array.from({ length: SHARED }, (_, at) => line(at))
    .join("")
    .slice(0, SHARED);
  return [
    { role: "system", content: shared },
    { role: "user", content: `${n} `.repeat(60) },
  ];
}

async function say(n: number) {
  const { fleet } = started;
  const question = { messages: questionOf(n), maxTokens: 24, more: { temperature: 0 } };
  const seen = await ask(fleet.mesh, { ...question, session: `pull-${n}` });
  expect(seen.status, seen.text).toBe(200);
  return { n, text: seen.text, receipt: await receiptOf(fleet.mesh, seen) };
}

function alone(n: number) {
  return started.fleet.alone({ messages: questionOf(n), max_tokens: 24, temperature: 0 });
}

function computed({ work }: Receipt): number {
  return work.reduce((sum, { computedTokens = 0 }) => sum + computedTokens, 0);
}
