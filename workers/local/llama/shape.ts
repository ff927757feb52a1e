import { z } from "zod";

/** A model as its engines tell it. */
export type ModelShape = {
  /** What they call it. */
  readonly name: string;
  /** As `models` of a mesh have it. */
  readonly model: {
    readonly params: number;
    readonly activeParams: number;
    readonly layers: number;
    readonly attnDim: number;
    readonly weightBytes: number;
    readonly kvBytesPerToken: number;
    readonly contextWindow: number;
  };
  /** Tokens of KV cache, over all sequences. */
  readonly kvTokens: number;
  readonly sequences: number;
};

/** Asks an engine of `workers/llama` for its model's shape. Throws when it does not tell. */
export async function shapeOf(url: string): Promise<ModelShape> {
  const response = await fetch(`${url}/v1/models`);
  const { data } = models.parse(await response.json());
  const [{ id, meta }] = data;
  return {
    name: id,
    model: {
      params: meta.n_params,
      activeParams: meta.n_params,
      layers: meta.n_layer,
      attnDim: meta.n_embd,
      weightBytes: meta.size,
      kvBytesPerToken: meta.kv_bytes_per_token,
      contextWindow: meta.n_ctx,
    },
    kvTokens: meta.n_ctx * meta.n_seq,
    sequences: meta.n_seq,
  };
}

const count = z.number().int().positive();

const models = z.object({
  data: z.tuple([
    z.object({
      id: z.string(),
      meta: z.object({
        n_params: count,
        n_layer: count,
        n_embd: count,
        size: count,
        kv_bytes_per_token: count,
        n_ctx: count,
        n_seq: count,
      }),
    }),
  ]),
});
