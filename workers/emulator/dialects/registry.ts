import { withOrca } from "../metrics/orca.ts";
import type { EmulatedDialect } from "./dialect.ts";
import { dynamo } from "./dynamo/dialect.ts";
import { llamacpp } from "./llamacpp/dialect.ts";
import { llmD } from "./llm-d/dialect.ts";
import { openai } from "./openai/dialect.ts";
import { sglang } from "./sglang/dialect.ts";
import { vllmMooncake } from "./vllm-mooncake/dialect.ts";
import { vllmNixlPush } from "./vllm-nixl-push/dialect.ts";
import { trtllm } from "./trtllm/dialect.ts";
import { vllmNixl } from "./vllm-nixl/dialect.ts";
import { vllmSharedStorage } from "./vllm-shared-storage/dialect.ts";

/** The dialect of that name; an engine of any other takes what OpenAI's API takes and no more. */
export function dialectNamed(name: string): EmulatedDialect {
  return dialects.get(name) ?? openai;
}

const dialects: ReadonlyMap<string, EmulatedDialect> = new Map([
  ["dynamo", dynamo],
  ["llamacpp", llamacpp],
  ["llm-d", withOrca(llmD)],
  ["openai", openai],
  ["sglang", sglang],
  ["vllm-mooncake", withOrca(vllmMooncake)],
  ["trtllm", trtllm],
  ["trtllm-gen-first", trtllm],
  ["vllm-nixl", withOrca(vllmNixl)],
  ["vllm-nixl-push", withOrca(vllmNixlPush)],
  ["vllm-shared-storage", withOrca(vllmSharedStorage)],
]);
