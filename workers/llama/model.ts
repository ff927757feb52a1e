import { createHash } from "node:crypto";
import { basename } from "node:path";
import { Template } from "@huggingface/jinja";
import {
  getLlama,
  type Llama,
  type LlamaContext,
  LlamaLogLevel,
  type LlamaModel,
} from "node-llama-cpp";
import { steadyBatches } from "./batches.ts";
import { fileSample } from "./file-sample.ts";
import type { Options } from "./options.ts";

/** What models without a template of their own are asked with. */
const CHATML =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
const MOST_CONTEXT = 8_192;
const BATCH_TOKENS = 512;

/** A model in memory with room for the KV cache of its sequences. */
export type LoadedModel = {
  readonly name: string;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  /** Of the file's metadata and samples of its weights, the build of llama.cpp, and the types and sequences of the KV cache. */
  readonly fingerprint: string;
  readonly kvTypes: Options["kvTypes"];
  readonly template: Template;
  dispose(): Promise<void>;
};

/** Loads a GGUF file; rejects with an `Error` whose message says what is wrong with the file or the memory. */
export async function loadModel(options: Options): Promise<LoadedModel> {
  const { model: path, sequences, threads, kvTypes } = options;
  const sample = await fileSample(path).catch((error: unknown) => {
    throw new Error(`${path} cannot be read`, { cause: error });
  });
  const llama = await getLlama({
    build: "never",
    skipDownload: true,
    logLevel: LlamaLogLevel.error,
    maxThreads: threads,
  });
  const model = await llama.loadModel({ modelPath: path }).catch((error: unknown) => {
    throw new Error(`${path} cannot be loaded as a GGUF model: ${messageOf(error)}`, {
      cause: error,
    });
  });
  const { isRecurrent, isHybrid } = model.fileInsights;
  if (isRecurrent || isHybrid) {
    throw new Error(`${path} keeps a running state that cannot be cut back to a shorter prefix`);
  }
  const contextSize = options.context ?? Math.min(model.trainContextSize, MOST_CONTEXT);
  const quantised = !["F32", "F16", "BF16"].includes(kvTypes.value);
  const context = await model
    .createContext({
      contextSize,
      sequences,
      threads,
      batchSize: Math.min(BATCH_TOKENS, contextSize * sequences),
      // Its rounding depends on how many tokens are evaluated at once; llama.cpp has no other way to read quantised values.
      flashAttention: quantised,
      // Otherwise a cached prefix longer than the window could not be cut back.
      swaFullCache: true,
      experimentalKvCacheKeyType: kvTypes.key,
      experimentalKvCacheValueType: kvTypes.value,
      batching: { itemPrioritizationStrategy: steadyBatches() },
    })
    .catch((error: unknown) => {
      throw new Error(
        `There is no room for ${sequences} sequences of ${contextSize} tokens: ${messageOf(error)}`,
      );
    });
  const { metadata } = model.fileInfo;
  return {
    name: options.name ?? metadata.general?.name ?? basename(path, ".gguf"),
    llama,
    model,
    context,
    fingerprint: fingerprintOf([metadata, sample, llama.llamaCppRelease, kvTypes, sequences]),
    kvTypes,
    template: templateOf(metadata.tokenizer.chat_template),
    dispose: () => llama.dispose(),
  };
}

function fingerprintOf(parts: readonly unknown[]): string {
  const text = JSON.stringify(parts, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}

function templateOf(text: string | undefined): Template {
  try {
    return new Template(text ?? CHATML);
  } catch (error) {
    throw new Error(`The model's chat template cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
