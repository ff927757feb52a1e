import { BLOCK_TOKENS } from "../../../src/sim/hash.ts";
import type { EngineSide } from "../dialects/dialect.ts";

/** TensorRT-LLM's own `GET /metrics`, a JSON list: what its iterations were like since it was last asked. */
export class TrtllmStats {
  readonly #side: EngineSide;
  #busyMs = 0;
  #iterations = 0;

  constructor(side: EngineSide) {
    this.#side = side;
    this.#busyMs = side.engine.load.busyMs;
  }

  /** Of all iterations the newest; none when there was none. */
  drain(): Response {
    const { engine, clock } = this.#side;
    clock.catchUp();
    const { busyMs } = engine.load;
    if (busyMs <= this.#busyMs) return Response.json([]);
    const iterLatencyMS = busyMs - this.#busyMs;
    this.#busyMs = busyMs;
    return Response.json([rowOf(this.#side, ++this.#iterations, iterLatencyMS)]);
  }
}

function rowOf(
  { config, engine, totals }: EngineSide,
  iter: number,
  iterLatencyMS: number,
): object {
  const { load } = engine;
  const { reused, missed } = hitsOf(totals);
  return {
    iter,
    iterLatencyMS,
    timestamp: new Date().toISOString(),
    numActiveRequests: load.running,
    numQueuedRequests: load.waiting,
    maxNumActiveRequests: config.sim.maxBatch,
    kvCacheStats: {
      maxNumBlocks: load.blocks,
      freeNumBlocks: load.blocks - load.blocksHeld,
      usedNumBlocks: load.blocksHeld,
      tokensPerBlock: BLOCK_TOKENS,
      reusedBlocks: reused,
      missedBlocks: missed,
      cacheHitRate: reused + missed === 0 ? 0 : reused / (reused + missed),
    },
    inflightBatchingStats: { numScheduledRequests: load.running, numPausedRequests: 0 },
  };
}

/** The page that it has under `/prometheus/metrics`. */
export function prometheusOf({ config, engine, totals }: EngineSide): Response {
  const { load } = engine;
  const labels = `{model_name="${config.model.id}",engine_type="trtllm"}`;
  const { reused, missed } = hitsOf(totals);
  const use = load.blocks === 0 ? 0 : load.blocksHeld / load.blocks;
  const lines = [
    `trtllm_num_requests_running${labels} ${load.running}`,
    `trtllm_num_requests_waiting${labels} ${load.waiting}`,
    `trtllm_kv_cache_utilization${labels} ${use}`,
    `trtllm_kv_cache_reused_blocks_total${labels} ${reused}`,
    `trtllm_kv_cache_missed_blocks_total${labels} ${missed}`,
    `trtllm_kv_cache_tokens_per_block${labels} ${BLOCK_TOKENS}`,
    `trtllm_kv_cache_max_blocks${labels} ${load.blocks}`,
    "",
  ];
  return new Response(lines.join("\n"));
}

function hitsOf(totals: EngineSide["totals"]): { reused: number; missed: number } {
  const reused = Math.floor(totals.cachedTokens / BLOCK_TOKENS);
  const all = Math.floor(totals.promptTokens / BLOCK_TOKENS);
  return { reused, missed: all - reused };
}
