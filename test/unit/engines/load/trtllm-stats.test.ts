import { describe, expect, it } from "vitest";
import { readTrtllmStats } from "../../../../src/engines/load/trtllm-stats.ts";

const iteration = (iter: number, more: object = {}) => ({
  iter,
  iterLatencyMS: 15.5,
  gpuMemUsage: 58_941_767_680,
  numActiveRequests: 5,
  numQueuedRequests: 3,
  maxNumActiveRequests: 64,
  kvCacheStats: {
    maxNumBlocks: 1000,
    freeNumBlocks: 400,
    usedNumBlocks: 600,
    tokensPerBlock: 32,
    reusedBlocks: 10,
    missedBlocks: 30,
    cacheHitRate: 0.25,
  },
  inflightBatchingStats: {
    numScheduledRequests: 4,
    numContextRequests: 1,
    numGenRequests: 3,
    numPausedRequests: 0,
    numQueuedContextRequests: 2,
    numQueuedCtxTokens: 4096,
    numQueuedGenRequests: 1,
  },
  ...more,
});
const read = (rows: unknown) => readTrtllmStats(JSON.stringify(rows));

describe("TensorRT-LLM's iteration statistics", () => {
  it("tell the load of the newest iteration", () => {
    expect(read([iteration(1, { numQueuedRequests: 99 }), iteration(2)])).toEqual({
      waiting: 3,
      running: 5,
      waitingTokens: 4096,
      kvUse: 0.6,
      cacheHitTokens: 320,
      cacheQueryTokens: 1280,
      blockTokens: 32,
      blocks: 1000,
    });
  });

  it("are summed over the ranks of attention parallelism", () => {
    const other = iteration(2, { attentionDpRank: 1, numActiveRequests: 7, numQueuedRequests: 0 });
    expect(read([iteration(2, { attentionDpRank: 0 }), other])).toMatchObject({
      waiting: 3,
      running: 12,
      kvUse: 0.6,
      blocks: 2000,
      blockTokens: 32,
    });
  });

  it("tell of requests from the batch where an older server does not", () => {
    const older = iteration(1, { numActiveRequests: undefined, numQueuedRequests: undefined });
    expect(read([older])).toMatchObject({ waiting: 3, running: 4 });
  });

  it("tell nothing of what is not in them", () => {
    expect(read([{ iter: 1, numActiveRequests: 2 }])).toEqual({ running: 2 });
    const free = { maxNumBlocks: 100, freeNumBlocks: 75 };
    expect(read([{ iter: 1, kvCacheStats: free }])).toEqual({ kvUse: 0.25, blocks: 100 });
  });

  it.each(["[]", "", "[{", "null", '{"a":1}', "[1,null]"])("tell nothing in %j", (body) => {
    expect(readTrtllmStats(body)).toEqual({});
  });
});
