import type { EngineSide } from "../dialects/dialect.ts";
import { toldLoad } from "../lies.ts";
import { BLOCK_TOKENS } from "../../../src/sim/hash.ts";

/** The engine's gauges and counters under the names of `workers/llama`. */
export function llamacppMetrics(side: EngineSide): Response {
  const { totals } = side;
  const load = toldLoad(side);
  const lines = [
    `llamacpp:num_requests_running ${load.running}`,
    `llamacpp:num_requests_waiting ${load.waiting}`,
    `llamacpp:kv_cells_used ${load.blocksHeld * BLOCK_TOKENS}`,
    `llamacpp:kv_cells_total ${load.blocks * BLOCK_TOKENS}`,
    `llamacpp:prompt_tokens_total ${totals.promptTokens}`,
    `llamacpp:prompt_tokens_cached_total ${totals.cachedTokens}`,
    `llamacpp:generation_tokens_total ${totals.outputTokens}`,
    "",
  ];
  return new Response(lines.join("\n"));
}
