import { settleTurn } from "../../../src/core/session/settle.ts";
import {
  emptySession,
  type Holding,
  type Opening,
  type SessionState,
  type Settlement,
} from "../../../src/core/session/state.ts";

/** One link per letter. */
export function chainOf(letters: string): Uint8Array {
  const chain = new Uint8Array(letters.length * 8);
  [...letters].forEach((letter, i) => chain.fill(letter.charCodeAt(0), i * 8, i * 8 + 8));
  return chain;
}

export function opening(letters: string, answers: readonly string[] = []): Opening {
  return { model: "tiny", chain: chainOf(letters), answers };
}

export function settlement(change: Partial<Settlement> = {}): Settlement {
  return {
    tenant: "acme",
    model: "tiny",
    requestId: "1",
    branch: 0,
    chain: chainOf("ab"),
    chars: 400,
    status: "completed",
    promptTokens: 100,
    cachedTokens: 10,
    outputTokens: 20,
    usd: 1,
    holdings: [],
    lost: [],
    now: 1,
    ...change,
  };
}

export function held(engine: string, links: number, change: Partial<Holding> = {}): Holding {
  return { engine, links, tokens: links * 100, tier: "hbm", known: "reported", at: 1, ...change };
}

/** The session after these turns. */
export function settle(...turns: readonly Settlement[]): SessionState {
  return turns.reduce((state, turn) => settleTurn(state, turn).state, emptySession);
}
