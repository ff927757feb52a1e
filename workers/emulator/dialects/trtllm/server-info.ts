import { BLOCK_TOKENS } from "../../../../src/sim/hash.ts";
import { failure } from "../../problem.ts";
import type { EngineSide } from "../dialect.ts";
import { infoEndpoint } from "./address.ts";

/** What a router asks once: how transfers are reached, and how block hashes are made. Version 1.0 has no such path. */
export function serverInfo(side: EngineSide): Response {
  const { config, settings } = side;
  if (settings().version === "1.0") return failure(404, "not_found", "Not Found");
  return Response.json({
    disaggregated_params: { ctx_dp_rank: 0, ctx_info_endpoint: [infoEndpoint(side)] },
    kv_cache_hash_algo: "v1",
    tokens_per_block: BLOCK_TOKENS,
    max_batch_size: config.sim.maxBatch,
  });
}
