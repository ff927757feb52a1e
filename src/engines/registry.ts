import type { Capabilities, Dialect } from "./dialect.ts";
import { dynamo } from "./dynamo/dialect.ts";
import { llamacpp } from "./llamacpp/dialect.ts";
import { llmD } from "./llm-d/dialect.ts";
import { openai } from "./openai/dialect.ts";
import { sglang } from "./sglang/dialect.ts";
import { trtllm } from "./trtllm/dialect.ts";
import { trtllmGenerationFirst } from "./trtllm/generation-first.ts";
import { vllmMooncake } from "./vllm-mooncake/dialect.ts";
import { vllmNixlPush } from "./vllm-nixl-push/dialect.ts";
import { vllmNixl } from "./vllm-nixl/dialect.ts";
import { vllmSharedStorage } from "./vllm-shared-storage/dialect.ts";
import { workersAi } from "./workers-ai/dialect.ts";

/** Dialects by name; `parseMesh` judges pools and links by them. */
export const dialects: ReadonlyMap<string, Dialect> = new Map(
  [
    dynamo,
    llamacpp,
    llmD,
    openai,
    sglang,
    trtllm,
    trtllmGenerationFirst,
    vllmMooncake,
    vllmNixl,
    vllmNixlPush,
    vllmSharedStorage,
    workersAi,
  ].map((dialect) => [dialect.name, dialect]),
);

/** The dialect an engine is spoken to in. Throws for a name `mesh.json` could not have passed with. */
export function dialectOf(name: string): Dialect {
  const dialect = dialects.get(name);
  if (dialect === undefined) throw new TypeError(`unknown dialect \`${name}\``);
  return dialect;
}

export function capabilitiesOf(name: string): Capabilities {
  return dialectOf(name).capabilities;
}
