import { describe, expect, it } from "vitest";
import { BlockCache } from "../../../src/sim/blocks.ts";
import { cacheOf } from "../../../src/sim/cache-of.ts";
import { BLOCK_TOKENS, heldOf } from "../../../src/sim/hash.ts";
import { ask, drain, smallEngine, user } from "./engines.ts";

/** Two blocks in the first tier, then two that come back in 1 ms each, then two in 10 ms. */
function threeTiers(): BlockCache {
  return new BlockCache(2, [
    { blocks: 2, msPerBlock: 1 },
    { blocks: 2, msPerBlock: 10 },
  ]);
}

/** Uses blocks one after another, each of them pushing out what has waited longest. */
function use(cache: BlockCache, names: string): void {
  for (const name of names) {
    expect(cache.take([], 1)).toBe(true);
    cache.name(name);
    cache.release([name], 0);
  }
}

function loadMsOf(cache: BlockCache, names: string): (number | undefined)[] {
  return [...names].map((name) => {
    const { blocks, loadMs } = cache.match([name], 1);
    return blocks === 0 ? undefined : loadMs;
  });
}

describe("blocks that are not in use", () => {
  it("fall from tier to tier, the oldest lowest, and off the last", () => {
    const cache = threeTiers();
    use(cache, "abcdefg");
    expect(loadMsOf(cache, "gfedcba")).toEqual([0, 0, 1, 1, 10, 10, undefined]);
  });

  it("come back to the first tier when used, from whichever they are in", () => {
    const cache = threeTiers();
    use(cache, "abcdef");
    expect(cache.match(["a", "c", "e"], 3)).toEqual({ blocks: 3, loadMs: 11 });
    expect(cache.take(["a", "c"], 0)).toBe(true);
    expect(loadMsOf(cache, "ac")).toEqual([0, 0]);
    expect(loadMsOf(cache, "ef"), "pushed out by these").toEqual([1, 1]);
  });

  it("end a prefix where one of them is in no tier", () => {
    const cache = threeTiers();
    use(cache, "abcdefg");
    expect(cache.match(["g", "a", "f"], 3)).toEqual({ blocks: 1, loadMs: 0 });
  });

  it("come up one after the other when many are wanted at once", () => {
    const cache = threeTiers();
    expect(cache.loadedAt({ blocks: 1, loadMs: 10 }, 100)).toBe(110);
    expect(cache.loadedAt({ blocks: 1, loadMs: 1 }, 105)).toBe(111);
    expect(cache.loadedAt({ blocks: 1, loadMs: 0 }, 106), "what is there need not wait").toBe(106);
    expect(cache.loadedAt({ blocks: 1, loadMs: 1 }, 200)).toBe(201);
  });
});

describe("the tiers of a device", () => {
  it("hold what their bytes hold and give it back at their own bandwidth", () => {
    const kvBytesPerToken = 1000;
    const blockBytes = kvBytesPerToken * BLOCK_TOKENS;
    const tiers = [
      { bytes: 1e12, bytesPerS: 1e15 },
      { bytes: blockBytes, bytesPerS: blockBytes * 1000 },
      { bytes: 1e12, bytesPerS: blockBytes * 10 },
    ];
    const cache = cacheOf({ kvBytesPerToken, tiers }, BLOCK_TOKENS);
    use(cache, "abc");
    expect(loadMsOf(cache, "cba")).toEqual([0, 1, 100]);
  });

  it("are the device's budget: what does not fit the first is not let in", () => {
    const tiers = [
      { bytes: 1e12, bytesPerS: 1e15 },
      { bytes: 1e12, bytesPerS: 1e12 },
    ];
    const cache = cacheOf({ kvBytesPerToken: 1, tiers }, 3 * BLOCK_TOKENS);
    expect(cache.take([], 4)).toBe(false);
    expect(cache.take([], 3)).toBe(true);
  });
});

describe("what an engine tells of its blocks", () => {
  const prompt = [user("once upon a time there was a cache. ".repeat(8))];

  it("is each block when it is first held, after the one before it, with its tokens", () => {
    const engine = smallEngine();
    expect(engine.takeBlockChanges(0)).toEqual([]);
    for (const id of ["1", "2"]) {
      engine.submit(ask(id, prompt, 1), 0);
      drain(engine);
    }
    const changes = engine.takeBlockChanges(1000);
    const { blocks } = heldOf(ask("1", prompt).tokens);
    expect(changes.map(({ hash }) => hash)).toEqual(blocks);
    const tokens = changes.flatMap((change) => (change.kind === "stored" ? change.tokens : []));
    expect(tokens).toEqual(ask("1", prompt).tokens.slice(0, blocks.length * BLOCK_TOKENS));
    expect(changes.map((change) => change.kind === "stored" && change.parent)).toEqual([
      undefined,
      ...blocks.slice(0, -1),
    ]);
  });

  it("is each block that fell off its last tier", () => {
    const cache = threeTiers();
    cache.recordChanges();
    use(cache, "abcdefgh");
    expect(cache.takeChanges()).toEqual([
      { kind: "removed", hash: "a" },
      { kind: "removed", hash: "b" },
    ]);
    expect(cache.takeChanges()).toEqual([]);
  });
});
