import type { Holding, OpenAsk, SettleAsk } from "../../src/rpc/session-messages.ts";

/** One 8-byte link per letter: `chainOf("ab")` begins as `chainOf("abc")` does. */
export function chainOf(letters: string): Uint8Array {
  const chain = new Uint8Array(letters.length * 8);
  [...letters].forEach((letter, i) => chain.fill(letter.charCodeAt(0), i * 8, i * 8 + 8));
  return chain;
}

export function openAsk(change: Partial<OpenAsk> = {}): OpenAsk {
  return {
    v: 1,
    tenant: "acme",
    model: "tiny",
    chain: chainOf("ab"),
    answers: [],
    inferred: true,
    now: Date.now(),
    ...change,
  };
}

export function settleAsk(change: Partial<SettleAsk> = {}): SettleAsk {
  return {
    v: 1,
    tenant: "acme",
    model: "tiny",
    requestId: crypto.randomUUID(),
    branch: 0,
    inferred: true,
    chain: chainOf("ab"),
    chars: 4000,
    answer: "a1",
    status: "completed",
    promptTokens: 1000,
    cachedTokens: 100,
    outputTokens: 50,
    usd: 0.01,
    receipt: "rcpt_1",
    holdings: [],
    lost: [],
    now: Date.now(),
    ...change,
  };
}

export function holding(engine: string, links: number, change: Partial<Holding> = {}): Holding {
  return {
    engine,
    links,
    tokens: links * 100,
    tier: "hbm",
    known: "reported",
    at: Date.now(),
    ...change,
  };
}
