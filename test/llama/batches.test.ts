import { expect, it } from "vitest";
import { steadyBatches, withoutOneLeft } from "../../workers/llama/batches.ts";

const item = (tokens: number) => ({ tokens: Array.from({ length: tokens }, () => 1) });

it("puts sequences that decode in one batch, and prompts in their own, in turn", () => {
  const next = steadyBatches();
  const items = [item(2), item(300), item(2), item(40)];
  const sizes = [0, 1, 2].map(() =>
    next({ items, size: 512 }).map(({ processAmount }) => processAmount),
  );
  expect(sizes).toEqual([[300], [2, 2], [300]]);
});

it("never leaves one token of a prompt for a batch of its own", () => {
  expect([512, 513, 514, 2].map((tokens) => withoutOneLeft(tokens, 512))).toEqual([
    512, 511, 512, 2,
  ]);
});
