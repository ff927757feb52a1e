import { BLOCK_TOKENS } from "../../../src/sim/hash.ts";
import type { EngineSide } from "../dialects/dialect.ts";
import { toldLoad } from "../lies.ts";

/** The engine's gauges and counters under vLLM's Prometheus names. */
export function vllmMetrics(side: EngineSide): Response {
  const { config, totals } = side;
  const load = toldLoad(side);
  const labels = `{model_name="${config.model.id}",engine="0"}`;
  const use = load.blocks === 0 ? 0 : load.blocksHeld / load.blocks;
  const cache = `{block_size="${BLOCK_TOKENS}",num_gpu_blocks="${load.blocks}",engine="0"}`;
  const lines = [
    `vllm:num_requests_running${labels} ${load.running}`,
    `vllm:num_requests_waiting${labels} ${load.waiting}`,
    `vllm:kv_cache_usage_perc${labels} ${use}`,
    `vllm:prefix_cache_queries_total${labels} ${totals.promptTokens}`,
    `vllm:prefix_cache_hits_total${labels} ${totals.cachedTokens}`,
    `vllm:prompt_tokens_total${labels} ${totals.promptTokens}`,
    `vllm:generation_tokens_total${labels} ${totals.outputTokens}`,
    `vllm:cache_config_info${cache} 1`,
    "",
  ];
  return new Response(lines.join("\n"));
}
