import { describe, expect, it } from "vitest";
import { BlockNumbers } from "../../../src/traces/requests/number-blocks.ts";
import { tracedRequest } from "./slices.ts";

describe("numbered blocks", () => {
  it("are small numbers, equal for equal ids, and only of full blocks", () => {
    const numbers = new BlockNumbers(16);
    const one = tracedRequest({ promptTokens: 40, blocks: [7e12, 8e12, 9e12] });
    const two = tracedRequest({ promptTokens: 48, blocks: [7e12, 5e12, 4e12] });
    expect([...numbers.of(one)]).toEqual([0, 1]);
    expect([...numbers.of(two)]).toEqual([0, 2, 3]);
    expect(numbers.count).toBe(4);
  });

  it("are taken together where the trace's blocks are smaller", () => {
    const numbers = new BlockNumbers(64);
    const ids = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const one = tracedRequest({ promptTokens: 144, blocks: ids });
    const two = tracedRequest({ promptTokens: 128, blocks: [...ids.slice(0, 7), 99] });
    expect([...numbers.of(one)]).toEqual([0, 1]);
    expect([...numbers.of(two)]).toEqual([0, 2]);
  });

  it("are cut up where the trace's blocks are larger, as far as the prompt reaches", () => {
    const numbers = new BlockNumbers(128);
    const request = tracedRequest({ promptTokens: 1000, blocks: [11, 12], blockTokens: 512 });
    expect([...numbers.of(request)]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const other = tracedRequest({ promptTokens: 1024, blocks: [11, 13], blockTokens: 512 });
    expect([...numbers.of(other)]).toEqual([0, 1, 2, 3, 8, 9, 10, 11]);
  });

  it("cannot be had in a size that does not fit the trace's", () => {
    const request = tracedRequest({ promptTokens: 96, blocks: [1], blockTokens: 96 });
    expect(() => new BlockNumbers(64).of(request)).toThrow("1.5");
  });
});
