import { describe, expect, it } from "vitest";
import { SentBlocks } from "../../../src/replay/sent-blocks.ts";

describe("blocks that were sent", () => {
  it("are matched from the first on, as far as a limit", () => {
    const sent = new SentBlocks(10);
    sent.use(Int32Array.of(1, 2, 3));
    expect(sent.match(Int32Array.of(1, 2, 3, 4), 4)).toBe(3);
    expect(sent.match(Int32Array.of(1, 2, 3, 4), 2)).toBe(2);
    expect(sent.match(Int32Array.of(9), 1)).toBe(0);
  });

  it("leave in the order of their last use, tails before the prefixes they need", () => {
    const sent = new SentBlocks(4);
    sent.use(Int32Array.of(1, 2));
    sent.use(Int32Array.of(7, 8));
    sent.use(Int32Array.of(1, 2));
    sent.use(Int32Array.of(5));
    expect(sent.size).toBe(4);
    expect(sent.match(Int32Array.of(7, 8), 2)).toBe(1);
    expect(sent.match(Int32Array.of(1, 2), 2)).toBe(2);
    sent.use(Int32Array.of(6));
    expect(sent.match(Int32Array.of(7, 8), 2)).toBe(0);
  });

  it("keep the head of a prompt that is longer than there is room", () => {
    const sent = new SentBlocks(2);
    sent.use(Int32Array.of(1, 2, 3));
    expect(sent.match(Int32Array.of(1, 2, 3), 3)).toBe(2);
    sent.clear();
    expect(sent.size).toBe(0);
  });
});
