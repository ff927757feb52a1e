import type { LoadedModel } from "./model.ts";
import type { KvType } from "./options.ts";
import type { Sequences } from "./sequences.ts";

/**
 * What a router has to know of the model and of the room for its KV cache, in the names of llama.cpp's own server where
 * it has one: `n_ctx` tokens a sequence, `n_seq` sequences, `size` the weights' bytes.
 */
export function modelShape(
  { model, kvTypes: { key, value } }: LoadedModel,
  { contextTokens, counts }: Sequences,
): Readonly<Record<string, number>> {
  const { fileInfo, trainContextSize, size } = model;
  const {
    block_count: layers = 0,
    embedding_length: width = 0,
    attention,
  } = fileInfo.architectureMetadata;
  const heads = mostOf(attention?.head_count) ?? 1;
  const kvHeads = mostOf(attention?.head_count_kv) ?? heads;
  const keyWidth = attention?.key_length ?? width / heads;
  const valueWidth = attention?.value_length ?? width / heads;
  return {
    n_params: (fileInfo.fullTensorInfo ?? []).reduce((sum, tensor) => sum + elements(tensor), 0),
    n_layer: layers,
    n_embd: width,
    n_ctx_train: trainContextSize,
    n_ctx: contextTokens,
    n_seq: counts.cellsTotal / contextTokens,
    size,
    kv_bytes_per_token:
      layers * kvHeads * (keyWidth * KV_BYTES[key] + valueWidth * KV_BYTES[value]),
  };
}

/** Bytes of one element; quantised ones come in blocks of 32 with a scale. */
const KV_BYTES: Readonly<Record<KvType, number>> = {
  F32: 4,
  F16: 2,
  BF16: 2,
  Q8_0: 34 / 32,
  Q5_1: 24 / 32,
  Q5_0: 22 / 32,
  Q4_1: 20 / 32,
  Q4_0: 18 / 32,
};

function elements({ dimensions }: { readonly dimensions: readonly (number | bigint)[] }): number {
  return dimensions.reduce((product: number, size) => product * Number(size), 1);
}

/** Some models tell it for each layer. */
function mostOf(heads: number | readonly number[] | undefined): number | undefined {
  return typeof heads === "object" ? Math.max(...heads) : heads;
}
