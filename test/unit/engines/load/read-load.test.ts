import { describe, expect, it } from "vitest";
import { readLoad } from "../../../../src/engines/load/read-load.ts";

describe("the load on a metrics page", () => {
  it("of vLLM is summed over its data-parallel ranks, and its cache's use averaged", () => {
    const page = `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 4.0
vllm:num_requests_waiting{engine="0",model_name="m"} 0.0
vllm:num_requests_waiting{engine="1",model_name="m"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.5
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.25
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 1000.0
vllm:prefix_cache_queries_total{engine="1",model_name="m"} 500.0
vllm:prefix_cache_queries_created{engine="0",model_name="m"} 1.7e+09
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 600.0
vllm:prefix_cache_hits_total{engine="1",model_name="m"} 0.0
vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="0",num_gpu_blocks="8000"} 1.0
vllm:cache_config_info{block_size="16",cache_dtype="auto",engine="1",num_gpu_blocks="8010"} 1.0
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1"} 12.0
`;
    expect(readLoad(page)).toEqual({
      running: 7,
      waiting: 2,
      kvUse: 0.375,
      cacheHitTokens: 600,
      cacheQueryTokens: 1500,
      blockTokens: 16,
      blocks: 16_010,
    });
  });

  it("of an older vLLM goes by its older names, and by the newer where there are both", () => {
    const older = `vllm:gpu_cache_usage_perc{model_name="m"} 0.4
vllm:gpu_prefix_cache_queries_total{model_name="m"} 100
vllm:gpu_prefix_cache_hits_total{model_name="m"} 40
vllm:cache_config_info{block_size="16",num_gpu_blocks="None"} 1.0
`;
    const told = { kvUse: 0.4, cacheQueryTokens: 100, cacheHitTokens: 40, blockTokens: 16 };
    expect(readLoad(older)).toEqual(told);
    expect(readLoad(`${older}vllm:kv_cache_usage_perc{engine="0"} 0.6\n`)).toEqual({
      ...told,
      kvUse: 0.6,
    });
  });

  it("of SGLang counts a rank once, though each of its workers and priorities tells", () => {
    const page = `sglang:num_running_reqs{dp_rank="0",model_name="m",pp_rank="0",priority="",tp_rank="0"} 8
sglang:num_running_reqs{dp_rank="0",model_name="m",pp_rank="0",priority="",tp_rank="1"} 8
sglang:num_running_reqs{dp_rank="0",model_name="m",pp_rank="0",priority="0",tp_rank="0"} 8
sglang:num_running_reqs{dp_rank="1",model_name="m",pp_rank="0",priority="",tp_rank="2"} 4
sglang:num_queue_reqs{dp_rank="0",model_name="m",priority="",tp_rank="0"} 1
sglang:num_queue_reqs{dp_rank="1",model_name="m",priority="",tp_rank="2"} 0
sglang:token_usage{dp_rank="0",model_name="m",tp_rank="0"} 0.9
sglang:token_usage{dp_rank="0",model_name="m",tp_rank="1"} 0.9
sglang:token_usage{dp_rank="1",model_name="m",tp_rank="2"} 0.1
sglang:max_total_num_tokens{dp_rank="0",model_name="m",tp_rank="0"} 5000
sglang:max_total_num_tokens{dp_rank="1",model_name="m",tp_rank="2"} 5000
sglang:cached_tokens_total{cache_source="device",model_name="m"} 300
sglang:cached_tokens_total{cache_source="host",model_name="m"} 100
sglang:prompt_tokens_total{model_name="m"} 1000
sglang:cache_config_info{num_pages="80",page_size="64"} 1.0
`;
    expect(readLoad(page)).toEqual({
      running: 12,
      waiting: 1,
      kvUse: 0.5,
      cacheHitTokens: 400,
      cacheQueryTokens: 1000,
      blockTokens: 64,
      blocks: 80,
      capacityTokens: 10_000,
    });
  });

  it("of SGLang in a split pair counts those that wait for the other half", () => {
    const page = `sglang:num_queue_reqs{tp_rank="0"} 1
sglang:num_decode_prealloc_queue_reqs{tp_rank="0"} 2
sglang:num_decode_transfer_queue_reqs{tp_rank="0"} 3
sglang:num_prefill_bootstrap_queue_reqs{tp_rank="0"} 4
sglang:num_prefill_inflight_queue_reqs{tp_rank="0"} 100
`;
    expect(readLoad(page)).toEqual({ waiting: 10 });
  });

  it("of TensorRT-LLM has its cache's figures in tokens", () => {
    const page = `trtllm_num_requests_running{model_name="m"} 5
trtllm_num_requests_waiting{model_name="m"} 3
trtllm_kv_cache_utilization{model_name="m"} 0.62
trtllm_kv_cache_tokens_per_block{model_name="m"} 32
trtllm_kv_cache_max_blocks{model_name="m"} 1000
trtllm_kv_cache_reused_blocks_total{model_name="m"} 10
trtllm_kv_cache_missed_blocks_total{model_name="m"} 30
`;
    expect(readLoad(page)).toEqual({
      running: 5,
      waiting: 3,
      kvUse: 0.62,
      cacheHitTokens: 320,
      cacheQueryTokens: 1280,
      blockTokens: 32,
      blocks: 1000,
    });
  });

  it("of llama.cpp counts cells, one to a token, and none as used that are only kept", () => {
    const page = `llamacpp:num_requests_running 2
llamacpp:num_requests_waiting 1
llamacpp:kv_cache_usage_perc 0.25
llamacpp:kv_cells_total 4096
llamacpp:prompt_tokens_total 900
llamacpp:prompt_tokens_cached_total 300
`;
    expect(readLoad(page)).toEqual({
      running: 2,
      waiting: 1,
      cacheHitTokens: 300,
      cacheQueryTokens: 900,
      capacityTokens: 4096,
    });
  });

  it("of TensorRT-LLM in Triton is found by its labels", () => {
    const page = `nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} 2
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="scheduled",version="1"} 6
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="tensorrt_llm",version="1"} 25
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="tensorrt_llm",version="1"} 100
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="tokens_per",model="tensorrt_llm",version="1"} 64
`;
    const told = { waiting: 2, running: 6, blockTokens: 64, blocks: 100 };
    expect(readLoad(page)).toEqual({ ...told, kvUse: 0.25 });
    const fraction = `nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction"} 0.3\n`;
    expect(readLoad(page + fraction)).toEqual({ ...told, kvUse: 0.3 });
  });

  it.each(["", "<html>", "{}", "vllm:num_requests_waiting", "other_metric 1"])(
    "is unknown from %j, never 0",
    (page) => {
      expect(readLoad(page)).toEqual({});
    },
  );

  it.each(["NaN", "-1", "+Inf"])("is unknown where one rank tells %s", (told) => {
    const page = `vllm:num_requests_running{engine="0"} 3\nvllm:num_requests_running{engine="1"} ${told}\n`;
    expect(readLoad(page)).toEqual({});
  });

  it("has no use of a cache that is no share of it", () => {
    expect(readLoad("vllm:kv_cache_usage_perc 37.5\n")).toEqual({});
  });

  it("has no size of a block where ranks disagree", () => {
    const page = `vllm:cache_config_info{block_size="16",engine="0"} 1
vllm:cache_config_info{block_size="32",engine="1"} 1
`;
    expect(readLoad(page)).toEqual({});
  });
});
