import { BLOCK_TOKENS } from "../../../src/sim/hash.ts";
import type { EngineSide } from "../dialects/dialect.ts";

/** The engine's gauges under SGLang's Prometheus names. */
export function sglangMetrics({ config, engine, totals }: EngineSide): Response {
  const { load } = engine;
  const labels = `{model_name="${config.model.id}"}`;
  const pages = `{page_size="${BLOCK_TOKENS}",num_pages="${load.blocks}"}`;
  const hits = totals.promptTokens === 0 ? 0 : totals.cachedTokens / totals.promptTokens;
  const lines = [
    `sglang:num_running_reqs${labels} ${load.running}`,
    `sglang:num_queue_reqs${labels} ${load.waiting}`,
    `sglang:token_usage${labels} ${useOf(load)}`,
    `sglang:num_used_tokens${labels} ${load.blocksHeld * BLOCK_TOKENS}`,
    `sglang:cache_hit_rate${labels} ${hits}`,
    `sglang:prompt_tokens_total${labels} ${totals.promptTokens}`,
    `sglang:generation_tokens_total${labels} ${totals.outputTokens}`,
    `sglang:cache_config_info${pages} 1`,
    "",
  ];
  return new Response(lines.join("\n"));
}

/** What `GET /v1/loads` answers: the whole engine as its first rank. */
export function sglangLoads({ engine, config }: EngineSide): Response {
  const { load } = engine;
  const rank = {
    dp_rank: 0,
    num_running_reqs: load.running,
    num_waiting_reqs: load.waiting,
    num_used_tokens: load.blocksHeld * BLOCK_TOKENS,
    max_total_num_tokens: load.blocks * BLOCK_TOKENS,
    token_usage: useOf(load),
    max_running_requests: config.sim.maxBatch,
  };
  return Response.json({ timestamp: new Date().toISOString(), loads: [rank] });
}

function useOf(load: { readonly blocks: number; readonly blocksHeld: number }): number {
  return load.blocks === 0 ? 0 : load.blocksHeld / load.blocks;
}
