import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { ask, drain, ending, smallEngine, textOf, user } from "./engines.ts";

const LONG = "a long story about nothing. ".repeat(40);

describe("an engine", () => {
  it("takes its prefill time to the first token and a step for each one after", () => {
    const engine = smallEngine();
    const request = ask("1", [user(LONG)], 3);
    engine.submit(request, 1000);
    const prefillMs = 10 + request.tokens.length / 10;
    const said = drain(engine).filter(({ kind }) => kind === "first-token" || kind === "token");
    expect(said.map(({ at }) => at)).toEqual(
      [0, 6, 12].map((ms) => expect.closeTo(1000 + prefillMs + ms, 6)),
    );
  });

  it("takes the same time for a prompt whatever its chunks", () => {
    const whole = smallEngine();
    const chunked = smallEngine({ chunkTokens: 64 });
    for (const engine of [whole, chunked]) engine.submit(ask("1", [user(LONG)], 1), 0);
    const [a, b] = [whole, chunked].map((engine) => ending(drain(engine), "1").at);
    expect(b).toBeCloseTo(a ?? 0, 6);
  });

  it("slows down the requests that decode while another's prompt is computed", () => {
    const engine = smallEngine();
    engine.submit(ask("1", [user("hi")], 50), 0);
    engine.advance(40);
    engine.submit(ask("2", [user(LONG)], 1), 41);
    const times = drain(engine)
      .filter(({ id, kind }) => id === "1" && kind === "token")
      .map(({ at }) => at);
    const longest = Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)));
    expect(longest).toBeGreaterThan(10 + LONG.length / 40);
  });

  it("says the same for the same request on any engine", () => {
    const [a, b] = [smallEngine(), smallEngine({ engineId: "engine-b", chunkTokens: 32 })].map(
      (engine) => {
        engine.submit(ask("1", [user(LONG)]), 0);
        return textOf(drain(engine), "1");
      },
    );
    expect(a).toMatch(/^[a-z .]{32}$/);
    expect(b).toBe(a);
  });

  it("finds prompt and answer in its cache when the conversation goes on", () => {
    const engine = smallEngine();
    engine.submit(ask("1", [user(LONG)], 40), 0);
    const first = textOf(drain(engine), "1");
    const next = [user(LONG), { role: "assistant", content: first }, user("and then?")];
    const request = ask("2", next);
    engine.submit(request, 10_000);
    const { counts } = ending(drain(engine), "2");
    const history = ask("1", [user(LONG)]).tokens.length + 40 - 1;
    expect(counts.cachedTokens).toBe(history - (history % 16));
    expect(counts.cachedTokens + counts.computedTokens).toBe(request.tokens.length);
  });

  it("finds what the first of a burst of siblings has computed when the others' turn comes", () => {
    const engine = smallEngine({ chunkTokens: 64 });
    for (const id of ["1", "2", "3"]) engine.submit(ask(id, [user(LONG), user(id)], 1), 0);
    const events = drain(engine);
    const cached = ["1", "2", "3"].map((id) => ending(events, id).counts.cachedTokens);
    expect(cached[0]).toBe(0);
    // What is computed in the very iteration they begin in, a chunk at most, comes too late.
    expect(Math.min(...cached.slice(1))).toBeGreaterThan(LONG.length / 4 - 64);
  });

  it("does not find what was computed under another salt, and says the same all the same", () => {
    const engine = smallEngine();
    const cached: number[] = [];
    const texts: string[] = [];
    for (const [id, salt] of [
      ["1", "a"],
      ["2", "b"],
      ["3", "a"],
    ] as const) {
      engine.submit({ ...ask(id, [user(LONG)]), salt }, 0);
      const events = drain(engine);
      const { counts } = ending(events, id);
      cached.push(counts.cachedTokens);
      texts.push(textOf(events, id));
    }
    expect(cached.map((tokens) => tokens > 0)).toEqual([false, false, true]);
    expect(new Set(texts).size).toBe(1);
  });

  it("computes at least the last token of a prompt it knows", () => {
    const engine = smallEngine();
    for (const id of ["1", "2"]) {
      engine.submit(ask(id, [user(LONG)], 1), 0);
      drain(engine);
    }
    engine.submit(ask("3", [user(LONG)], 1), 5000);
    expect(ending(drain(engine), "3").counts.computedTokens).toBeGreaterThan(0);
  });

  it("lets requests wait while its memory is full, and refuses those that never fit", () => {
    const engine = smallEngine({ kvTokens: 400 });
    engine.submit(ask("1", [user(LONG)], 60), 0);
    engine.submit(ask("2", [user(`other ${LONG}`)], 60), 0);
    expect(engine.load).toMatchObject({ running: 1, waiting: 1 });
    engine.submit(ask("3", [user(LONG.repeat(3))]), 0);
    const events = drain(engine);
    expect(events).toContainEqual(expect.objectContaining({ id: "3", reason: "too-long" }));
    expect(ending(events, "2").at).toBeGreaterThan(ending(events, "1").at);
  });

  it("forgets the least recently used prefix first", () => {
    const engine = smallEngine({ kvTokens: 700 });
    const [a, b, c] = ["a", "b", "c"].map((name) => [user(name + LONG)]);
    for (const [id, messages] of Object.entries({ 1: a, 2: b, 3: a, 4: c, 5: a, 6: b })) {
      engine.submit(ask(id, messages ?? [], 1), 0);
      const { cachedTokens } = ending(drain(engine), id).counts;
      const isHit = id === "3" || id === "5";
      expect(cachedTokens > 200, `request ${id}`).toBe(isHit);
    }
  });

  it("loads an evicted prefix from the tier below, in the time its bandwidth takes", () => {
    const engine = smallEngine({
      kvTokens: 400,
      tiers: [
        { bytes: 4e5, bytesPerS: 1e12 },
        { bytes: 1e9, bytesPerS: 1e6 },
      ],
    });
    engine.submit(ask("1", [user(LONG)], 1), 0);
    engine.submit(ask("2", [user(`other ${LONG}`)], 1), 0);
    drain(engine);
    engine.submit(ask("3", [user(LONG)], 1), 10_000);
    const { counts, at } = ending(drain(engine), "3");
    expect(counts.cachedTokens).toBeGreaterThan(200);
    // 1000 bytes a token at 1 MB/s are a millisecond a token; a few blocks had stayed.
    expect(at - 10_000).toBeGreaterThan(100);
  });

  it("frees everything a request held when it is aborted", () => {
    const engine = smallEngine();
    engine.submit(ask("1", [user(LONG)], 400), 0);
    engine.advance(60);
    expect(engine.load.blocksHeld).toBeGreaterThan(0);
    expect(engine.abort("1", 61)?.outputTokens).toBeGreaterThan(0);
    expect(engine.load).toMatchObject({ running: 0, blocksHeld: 0 });
    expect(drain(engine).at(-1)?.kind).toBe("aborted");
  });

  it("never loses a block, whatever comes and goes", () => {
    const random = seededRandom(7);
    const engine = smallEngine({ kvTokens: 1600, chunkTokens: 48 });
    for (let at = 0, n = 0; n < 400; n++, at += random() * 60) {
      const words = LONG.slice(0, Math.floor(random() * 900));
      const request = ask(String(n), [user(`${n % 5} ${words}`)], 1 + Math.floor(random() * 40));
      engine.submit(random() < 0.2 ? { ...request, leaseAs: request.id } : request, at);
      if (random() < 0.3) engine.abort(String(n - Math.floor(random() * 4)), at);
      const { blocks, blocksHeld } = engine.load;
      expect(blocksHeld).toBeLessThanOrEqual(blocks);
    }
    drain(engine);
    expect(engine.load).toMatchObject({ running: 0, waiting: 0, blocksHeld: 0, leasedBlocks: 0 });
  });

  it("comes back from a restart empty and under another name", () => {
    const engine = smallEngine();
    engine.submit(ask("1", [user(LONG)], 400), 0);
    engine.restart("engine-b", 60);
    expect(drain(engine).at(-1)).toMatchObject({ kind: "failed", reason: "restarted" });
    engine.submit(ask("2", [user(LONG)], 1), 100);
    expect(ending(drain(engine), "2").counts.cachedTokens).toBe(0);
    expect(engine.engineId).toBe("engine-b");
  });
});
