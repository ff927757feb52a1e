import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { BLOCK_TOKENS, type Held } from "../../../src/sim/hash.ts";
import type { SimEngine } from "../../../src/sim/engine.ts";
import { ask, drain, ending, smallEngine, textOf, user } from "./engines.ts";

const LONG = "once upon a time there was a cache. ".repeat(40);
const LINK = { gbps: 10, perFlowGbps: 10, rttMs: 2 };

function prefilled(messages: readonly unknown[]): { engine: SimEngine; held: Held; at: number } {
  const engine = smallEngine();
  engine.submit({ ...ask("p", messages, 1), leaseAs: "h" }, 0);
  const { at } = ending(engine.advance(1000), "p");
  const held = engine.openLease("h", () => true, 1000);
  if (!held) throw new Error("no lease");
  return { engine, held, at };
}

describe("a handoff", () => {
  it("gives the text that one engine alone would give, computing one token only", () => {
    const alone = smallEngine();
    alone.submit(ask("1", [user(LONG)]), 0);
    const { held } = prefilled([user(LONG)]);
    const decode = smallEngine();
    decode.submit({ ...ask("1", [user(LONG)]), pull: { held, link: LINK } }, 1000);
    const events = drain(decode);
    const { counts } = ending(events, "1");
    expect(textOf(events, "1")).toBe(textOf(drain(alone), "1"));
    expect(counts).toMatchObject({ computedTokens: 1, pulledTokens: counts.promptTokens - 1 });
  });

  it("gives other text when the handle is another prompt's", () => {
    const { held } = prefilled([user(`something else: ${LONG}`)]);
    const [right, wrong] = [undefined, held].map((handed) => {
      const engine = smallEngine();
      const request = ask("1", [user(LONG)]);
      engine.submit(handed ? { ...request, pull: { held: handed, link: LINK } } : request, 0);
      return textOf(drain(engine), "1");
    });
    expect(wrong).not.toBe(right);
  });

  it("takes the link's time for what the decode engine does not hold yet", () => {
    const { held } = prefilled([user(LONG)]);
    const decode = smallEngine();
    const times = [0, 10_000].map((at, index) => {
      const id = String(index);
      decode.submit({ ...ask(id, [user(LONG)]), pull: { held, link: LINK } }, at);
      return (drain(decode).find((event) => event.kind === "pulled")?.at ?? Infinity) - at;
    });
    const bytes = (ask("", [user(LONG)]).tokens.length - 1) * 1000;
    expect(times[0]).toBeCloseTo(2 + bytes / 1e6, 6);
    expect(times[1]).toBeLessThan(2.1);
  });

  it("holds the blocks for thirty seconds and not a moment longer", () => {
    const engine = smallEngine();
    engine.submit({ ...ask("p", [user(LONG)], 1), leaseAs: "h" }, 0);
    const { at } = ending(engine.advance(1000), "p");
    engine.advance(at + 29_999);
    expect(engine.load.leasedBlocks).toBe(engine.load.blocksHeld);
    expect(engine.load.leasedBlocks).toBeGreaterThan(0);
    expect(engine.load.fetchedBlocks).toBe(0);
    engine.advance(at + 30_000);
    expect(engine.load).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
    expect(engine.openLease("h", () => true, at + 30_001)).toBeUndefined();
  });

  it("keeps blocks that are being fetched past the lease, and frees them when they were", () => {
    const { engine, at } = prefilled([user(LONG)]);
    engine.advance(at + 60_000);
    expect(engine.load.leasedBlocks).toBeGreaterThan(0);
    expect(engine.load.fetchedBlocks).toBe(engine.load.leasedBlocks);
    engine.closeLease("h", at + 60_001);
    expect(engine.load).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
  });

  it("does not open for whoever names other blocks, and loses its leases in a restart", () => {
    const { engine } = prefilled([user(LONG)]);
    expect(engine.openLease("h", () => false, 1001)).toBeUndefined();
    engine.restart("engine-b", 1002);
    expect(engine.openLease("h", () => true, 1003)).toBeUndefined();
  });
});

describe("a conversation that goes back", () => {
  const first = [user(LONG)];

  it("is fetched as far as it goes, and the rest of the prompt is computed", () => {
    const decode = smallEngine();
    const lease = { leaseAs: "h", leases: "whole", leaseMs: 480_000 } as const;
    decode.submit({ ...ask("d", first, 40), ...lease }, 0);
    const { counts } = ending(drain(decode, 400_000), "d");
    const held = decode.openLease("h", () => true, 400_000);
    if (!held) throw new Error("no lease");
    const more = [...first, user(LONG)];
    const tokens = held.blocks.length * BLOCK_TOKENS;
    const prefill = smallEngine();
    prefill.submit({ ...ask("p", more, 1), pull: { held, link: LINK, tokens } }, 0);
    const next = ending(drain(prefill), "p").counts;
    expect(next.pulledTokens).toBeGreaterThan(counts.promptTokens - 2 * BLOCK_TOKENS);
    expect(next.pulledTokens % BLOCK_TOKENS).toBe(0);
    expect(next.pulledTokens + next.computedTokens).toBe(next.promptTokens);
  });

  it("is kept, answer and all, as long as its lease says", () => {
    const engine = smallEngine();
    const lease = { leaseAs: "h", leases: "whole", leaseMs: 480_000 } as const;
    engine.submit({ ...ask("d", first, 40), ...lease }, 0);
    const { at, counts } = ending(engine.advance(10_000), "d");
    engine.advance(at + 479_999);
    expect(engine.load.leasedBlocks * BLOCK_TOKENS).toBeGreaterThan(counts.promptTokens + 20);
    expect(engine.load.blocksHeld).toBe(engine.load.leasedBlocks);
    engine.advance(at + 480_000);
    expect(engine.load).toMatchObject({ leasedBlocks: 0, blocksHeld: 0 });
  });

  it("can be looked for without being used", () => {
    const engine = smallEngine();
    const { tokens } = ask("1", first);
    expect(engine.cachedTokens(tokens)).toBe(0);
    engine.submit(ask("1", first), 0);
    drain(engine);
    expect(engine.cachedTokens(tokens)).toBe(tokens.length - (tokens.length % BLOCK_TOKENS));
    expect(engine.cachedTokens(tokens, "another tenant")).toBe(0);
  });
});

describe("a request that awaits its blocks", () => {
  it("has room kept free, does nothing, and goes on when told what to fetch", () => {
    const { held } = prefilled([user(LONG)]);
    const engine = smallEngine();
    engine.submit({ ...ask("1", [user(LONG)]), awaitsPull: true }, 0);
    expect(engine.nextEventAt()).toBe(0);
    expect(engine.advance(50_000).map(({ kind }) => kind)).toEqual(["started"]);
    expect(engine.load.blocksHeld).toBeGreaterThan(held.blocks.length);
    expect(engine.nextEventAt()).toBeUndefined();
    expect(engine.resume("1", { held, link: LINK }, 60_000)).toBe(true);
    expect(ending(drain(engine), "1").counts).toMatchObject({ computedTokens: 1 });
    expect(engine.resume("1", { held, link: LINK }, 90_000), "it is over").toBe(false);
  });

  it("says the token that came with them at once, and what one engine alone would", () => {
    const { held } = prefilled([user(LONG)]);
    const [alone, engine] = [smallEngine(), smallEngine()];
    alone.submit(ask("1", [user(LONG)]), 0);
    engine.submit({ ...ask("1", [user(LONG)]), awaitsPull: true }, 0);
    engine.resume("1", { held, link: LINK, bringsFirstToken: true }, 0);
    const events = drain(engine);
    const at = (kind: string) => events.find((event) => event.kind === kind)?.at;
    expect(at("first-token")).toBe(at("pulled"));
    expect(textOf(events, "1")).toBe(textOf(drain(alone), "1"));
    const { counts } = ending(events, "1");
    expect(counts).toMatchObject({ computedTokens: 0, pulledTokens: counts.promptTokens });
  });

  it("does not take blocks of another size", () => {
    const { held } = prefilled([user(`${LONG} and more`)]);
    const engine = smallEngine();
    engine.submit({ ...ask("1", [user(LONG)]), awaitsPull: true }, 0);
    expect(engine.resume("1", { held, link: LINK }, 1)).toBe(false);
  });

  it("leaves nothing in the prefix cache when it is private, and finds nothing", () => {
    const engine = smallEngine();
    const cached = [false, true, false].map((isPrivate, index) => {
      const id = String(index);
      engine.submit({ ...ask(id, [user(LONG)]), isPrivate }, index * 10_000);
      return ending(drain(engine), id).counts.cachedTokens;
    });
    expect(cached[1]).toBe(0);
    expect(cached[2]).toBeGreaterThan(0);
    const fresh = smallEngine();
    fresh.submit({ ...ask("1", [user(LONG)]), isPrivate: true }, 0);
    drain(fresh);
    fresh.submit(ask("2", [user(LONG)]), 20_000);
    expect(ending(drain(fresh), "2").counts.cachedTokens).toBe(0);
    expect(fresh.load.blocksHeld).toBe(0);
  });

  it("never loses a block, whatever is fetched, kept private or given up", () => {
    const { held } = prefilled([user(LONG)]);
    const random = seededRandom(11);
    const engine = smallEngine({ kvTokens: 3000 });
    for (let at = 0, n = 0; n < 300; n++, at += random() * 40) {
      const awaitsPull = random() < 0.5;
      const isPrivate = random() < 0.5;
      const request = ask(String(n), [user(LONG)], 1 + Math.floor(random() * 20));
      engine.submit({ ...request, awaitsPull, isPrivate }, at);
      const earlier = String(n - Math.floor(random() * 6));
      const bringsFirstToken = random() < 0.5;
      if (random() < 0.7) engine.resume(earlier, { held, link: LINK, bringsFirstToken }, at);
      if (random() < 0.3) engine.abort(earlier, at);
      expect(engine.load.blocksHeld).toBeLessThanOrEqual(engine.load.blocks);
    }
    const end = 1e6;
    for (let n = 0; n < 300; n++) engine.abort(String(n), end);
    drain(engine);
    expect(engine.load).toMatchObject({ running: 0, waiting: 0, blocksHeld: 0, leasedBlocks: 0 });
  });
});
