import { llmDDefault } from "../policies/llm-d-default.ts";
import { random } from "../policies/random.ts";
import type { PolicyEntry } from "../policy.ts";

/** TTFT over all stages but the warm-up, and output tokens per second, the end of each stage included. */
export type LlmDFigures = {
  readonly ttftMeanS: number;
  readonly ttftP90S: number;
  readonly outputPerS: number;
};

/** One scheduler of the published run, and what was measured under it. */
export type PublishedScheduler = {
  readonly name: string;
  readonly entry: PolicyEntry;
  readonly published: LlmDFigures;
};

const BLOCK_TOKENS = 64;
const AS_THEN = { flowControl: false };
const EQUAL = { queueWeight: 1, kvWeight: 1 };

/** As configured there, best first; measured on 8 × 2 H100 with Qwen3-32B. */
export const publishedSchedulers: readonly PublishedScheduler[] = [
  {
    name: "precise",
    entry: llmDDefault({ ...AS_THEN, prefix: "precise" }),
    published: { ttftMeanS: 0.298, ttftP90S: 0.542, outputPerS: 8730 },
  },
  {
    name: "approximate",
    entry: llmDDefault({
      ...AS_THEN,
      ...EQUAL,
      prefixWeight: 1,
      prefixTokens: 256 * BLOCK_TOKENS,
      lruTokens: 31_250 * BLOCK_TOKENS,
    }),
    published: { ttftMeanS: 13.316, ttftP90S: 31.083, outputPerS: 6944.4 },
  },
  {
    name: "random",
    entry: random(),
    published: { ttftMeanS: 45.281, ttftP90S: 92.551, outputPerS: 4428.7 },
  },
  {
    name: "load only",
    entry: llmDDefault({ ...AS_THEN, ...EQUAL, prefixWeight: 0 }),
    published: { ttftMeanS: 46.987, ttftP90S: 94.865, outputPerS: 4266.4 },
  },
];
