/** Where an engine's metrics page tells a fact: a sample's value, or a number in one of its labels. */
export type Source = {
  readonly name: string;
  /** Labels the sample must have. */
  readonly where?: Readonly<Record<string, string>>;
  /** The label that tells it, where the value does not. */
  readonly label?: string;
};

/** All of these together, where the first is there at all. */
type Together = readonly Source[];

/** For each fact, who tells it under which name; the newer name of one engine before its older. */
export const FACTS = {
  waiting: [
    [{ name: "vllm:num_requests_waiting" }],
    // In a split pair it has queues of their own for those that wait for the other half.
    [
      { name: "sglang:num_queue_reqs" },
      { name: "sglang:num_prefill_bootstrap_queue_reqs" },
      { name: "sglang:num_prefill_prealloc_queue_reqs" },
      { name: "sglang:num_decode_prealloc_queue_reqs" },
      { name: "sglang:num_decode_transfer_queue_reqs" },
    ],
    [{ name: "trtllm_num_requests_waiting" }],
    [{ name: "llamacpp:num_requests_waiting" }],
    [{ name: "nv_trt_llm_request_metrics", where: { request_type: "waiting" } }],
  ],
  running: [
    [{ name: "vllm:num_requests_running" }],
    [{ name: "sglang:num_running_reqs" }],
    [{ name: "trtllm_num_requests_running" }],
    [{ name: "llamacpp:num_requests_running" }],
    [{ name: "nv_trt_llm_request_metrics", where: { request_type: "scheduled" } }],
  ],
  // llama.cpp's would count what is only kept for whoever asks again.
  kvUse: [
    [{ name: "vllm:kv_cache_usage_perc" }],
    [{ name: "vllm:gpu_cache_usage_perc" }],
    [{ name: "sglang:token_usage" }],
    [{ name: "trtllm_kv_cache_utilization" }],
    [triton("fraction")],
  ],
  usedBlocks: [[triton("used")]],
  cacheHitTokens: [
    [{ name: "vllm:prefix_cache_hits_total" }],
    [{ name: "vllm:prefix_cache_hits" }],
    [{ name: "vllm:gpu_prefix_cache_hits_total" }],
    [{ name: "vllm:gpu_prefix_cache_hits" }],
    [{ name: "sglang:cached_tokens_total" }],
    [{ name: "llamacpp:prompt_tokens_cached_total" }],
  ],
  cacheQueryTokens: [
    [{ name: "vllm:prefix_cache_queries_total" }],
    [{ name: "vllm:prefix_cache_queries" }],
    [{ name: "vllm:gpu_prefix_cache_queries_total" }],
    [{ name: "vllm:gpu_prefix_cache_queries" }],
    [{ name: "sglang:prompt_tokens_total" }],
    [{ name: "llamacpp:prompt_tokens_total" }],
  ],
  hitBlocks: [[{ name: "trtllm_kv_cache_reused_blocks_total" }]],
  missedBlocks: [[{ name: "trtllm_kv_cache_missed_blocks_total" }]],
  blockTokens: [
    [{ name: "vllm:cache_config_info", label: "block_size" }],
    [{ name: "sglang:page_size" }],
    [{ name: "sglang:cache_config_info", label: "page_size" }],
    [{ name: "trtllm_kv_cache_tokens_per_block" }],
    [triton("tokens_per")],
  ],
  blocks: [
    [{ name: "vllm:cache_config_info", label: "num_gpu_blocks" }],
    [{ name: "sglang:num_pages" }],
    [{ name: "sglang:cache_config_info", label: "num_pages" }],
    [{ name: "trtllm_kv_cache_max_blocks" }],
    [triton("max")],
  ],
  capacityTokens: [
    [{ name: "sglang:max_total_num_tokens" }],
    [{ name: "llamacpp:kv_cells_total" }],
  ],
} as const satisfies Readonly<Record<string, readonly Together[]>>;

export type Fact = keyof typeof FACTS;

/** Labels that tell apart the workers of one rank, each of which tells the same. */
export const REPLICA_LABELS: readonly string[] = [
  "tp_rank",
  "pp_rank",
  "moe_ep_rank",
  "ep_rank",
  "pid",
];

function triton(type: string): Source {
  return { name: "nv_trt_llm_kv_cache_block_metrics", where: { kv_cache_block_type: type } };
}
