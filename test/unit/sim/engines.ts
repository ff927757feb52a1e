import { SimEngine } from "../../../src/sim/engine.ts";
import type { SimEvent, SimOptions } from "../../../src/sim/events.ts";
import type { SimRequest } from "../../../src/sim/sequence.ts";
import { wordsFrom } from "../../../src/sim/text.ts";
import { seedOf } from "../../../src/sim/hash.ts";
import { chatTokens } from "../../../src/sim/tokens.ts";

/** A small engine: 10 ms and 0.1 ms per token of prefill, 5 ms and 1 ms per request of decode. */
export function smallEngine(options: Partial<SimOptions> = {}): SimEngine {
  return new SimEngine({
    engineId: "engine-a",
    speed: {
      prefillMs: (tokens, cached) => (tokens <= cached ? 0 : 10 + (tokens - cached) / 10),
      stepMs: (batch) => 5 + batch,
      kvTokens: 16_000,
      watts: 1,
      usdPerMs: 0,
    },
    kvBytesPerToken: 1000,
    kvTokens: 16_000,
    tiers: [{ bytes: 16e6, bytesPerS: 1e12 }],
    maxBatch: 8,
    ...options,
  });
}

export function user(content: string): { role: string; content: string } {
  return { role: "user", content };
}

export function ask(id: string, messages: readonly unknown[], maxTokens = 8): SimRequest {
  return {
    id,
    tokens: chatTokens({ messages }),
    output: (held) => wordsFrom(seedOf(held), { maxTokens, room: 100_000 }),
  };
}

/** Lets the engine run dry, up to `untilMs`. */
export function drain(engine: SimEngine, untilMs = Infinity): SimEvent[] {
  const events: SimEvent[] = [];
  for (let next = engine.nextEventAt(); next !== undefined && next <= untilMs;) {
    events.push(...engine.advance(next));
    next = engine.nextEventAt();
  }
  return events;
}

export function textOf(events: readonly SimEvent[], id: string): string {
  return events.map((event) => ("text" in event && event.id === id ? event.text : "")).join("");
}

export function ending(
  events: readonly SimEvent[],
  id: string,
): SimEvent & { readonly kind: "done" } {
  const done = events.find((event) => event.kind === "done" && event.id === id);
  if (done?.kind !== "done") throw new Error(`${id} did not end`);
  return done;
}
