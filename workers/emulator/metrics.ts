import type { SimLoad } from "../../src/sim/events.ts";
import { BLOCK_TOKENS } from "../../src/sim/hash.ts";
import type { Ledger } from "./ledger.ts";

/** The engine's gauges and counters under vLLM's Prometheus names. */
export function metricsText(model: string, load: SimLoad, totals: Ledger["totals"]): string {
  const labels = `{model_name="${model}",engine="0"}`;
  const use = load.blocks === 0 ? 0 : load.blocksHeld / load.blocks;
  const cache = `{block_size="${BLOCK_TOKENS}",num_gpu_blocks="${load.blocks}",engine="0"}`;
  return [
    `vllm:num_requests_running${labels} ${load.running}`,
    `vllm:num_requests_waiting${labels} ${load.waiting}`,
    `vllm:kv_cache_usage_perc${labels} ${use}`,
    `vllm:prefix_cache_queries_total${labels} ${totals.promptTokens}`,
    `vllm:prefix_cache_hits_total${labels} ${totals.cachedTokens}`,
    `vllm:prompt_tokens_total${labels} ${totals.promptTokens}`,
    `vllm:generation_tokens_total${labels} ${totals.outputTokens}`,
    `vllm:cache_config_info${cache} 1`,
    "",
  ].join("\n");
}
