import { writeFileSync } from "node:fs";
import { seededRandom } from "../../src/core/random.ts";

/** How large a tiny model is; the weights are a function of these and the seed alone. */
export interface TinyModel {
  readonly seed?: number;
  readonly layers?: number;
  /** Width of the residual stream, split evenly over `heads`. */
  readonly width?: number;
  readonly heads?: number;
  /** Shared by `heads` / `kvHeads` query heads each; a token's KV is 4 × layers × kvHeads × width / heads bytes. */
  readonly kvHeads?: number;
  readonly contextTokens?: number;
}

/** Writes a llama of random weights whose tokens are bytes; the same options write the same file. */
export function writeTinyGguf(path: string, model: TinyModel = {}): void {
  const { seed = 1, layers = 4, width = 128, heads = 4, kvHeads = 2, contextTokens = 8192 } = model;
  const tensors = weights({ seed, layers, width, kvWidth: (width / heads) * kvHeads });
  writeFileSync(
    path,
    gguf(
      {
        "general.architecture": string("llama"),
        "general.name": string(`tiny-${seed}`),
        "general.file_type": uint32(0),
        "llama.context_length": uint32(contextTokens),
        "llama.embedding_length": uint32(width),
        "llama.block_count": uint32(layers),
        "llama.feed_forward_length": uint32(2 * width),
        "llama.rope.dimension_count": uint32(width / heads),
        "llama.attention.head_count": uint32(heads),
        "llama.attention.head_count_kv": uint32(kvHeads),
        "llama.attention.layer_norm_rms_epsilon": float32(1e-5),
        "llama.vocab_size": uint32(vocabulary.length),
        "tokenizer.ggml.model": string("llama"),
        "tokenizer.ggml.tokens": array(vocabulary.map(({ text }) => string(text))),
        "tokenizer.ggml.scores": array(vocabulary.map(() => float32(0))),
        "tokenizer.ggml.token_type": array(vocabulary.map(({ type }) => int32(tokenTypes[type]))),
        "tokenizer.ggml.unknown_token_id": uint32(0),
        "tokenizer.ggml.bos_token_id": uint32(1),
        "tokenizer.ggml.eos_token_id": uint32(2),
        "tokenizer.ggml.add_bos_token": bool(true),
        "tokenizer.ggml.add_space_prefix": bool(false),
        "tokenizer.chat_template": string(chatTemplate),
      },
      tensors,
    ),
  );
}

const tokenTypes = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

const vocabulary: readonly { text: string; type: keyof typeof tokenTypes }[] = [
  { text: "<unk>", type: "unknown" },
  { text: "<s>", type: "control" },
  { text: "</s>", type: "control" },
  ...Array.from({ length: 256 }, (_, byte) => ({
    text: `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    type: "byte" as const,
  })),
  // The tokenizer writes spaces as this sign; without a token of its own a space would be three bytes.
  { text: "\u2581", type: "normal" },
];

const firstByte = 3;
const chatTemplate =
  "{% for message in messages %}{{ '[' + message['role'] + '] ' + message['content'] + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '[assistant] ' }}{% endif %}";

interface Tensor {
  readonly name: string;
  /** The input's dimension first. */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Weights large enough in attention that the next token depends on all that was said, not on the last token alone. */
function weights(size: { seed: number; layers: number; width: number; kvWidth: number }): Tensor[] {
  const { layers, width, kvWidth } = size;
  const random = seededRandom(size.seed);
  const matrix = (name: string, inputs: number, outputs: number, gain: number): Tensor => ({
    name: `${name}.weight`,
    shape: [inputs, outputs],
    values: Float32Array.from({ length: inputs * outputs }, () => {
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return (normal * gain) / Math.sqrt(inputs);
    }),
  });
  const ones = (name: string): Tensor => ({
    name: `${name}.weight`,
    shape: [width],
    values: new Float32Array(width).fill(1),
  });
  return [
    matrix("token_embd", width, vocabulary.length, Math.sqrt(width)),
    ...Array.from({ length: layers }, (_, layer) => [
      ones(`blk.${layer}.attn_norm`),
      matrix(`blk.${layer}.attn_q`, width, width, 2.5),
      matrix(`blk.${layer}.attn_k`, width, kvWidth, 2.5),
      matrix(`blk.${layer}.attn_v`, width, kvWidth, 2),
      matrix(`blk.${layer}.attn_output`, width, width, 2),
      ones(`blk.${layer}.ffn_norm`),
      matrix(`blk.${layer}.ffn_gate`, width, 2 * width, 1),
      matrix(`blk.${layer}.ffn_up`, width, 2 * width, 1),
      matrix(`blk.${layer}.ffn_down`, 2 * width, width, 2),
    ]).flat(),
    ones("output_norm"),
    readable(matrix("output", width, vocabulary.length, 3)),
  ];
}

/** Takes the logits of all but letters, digits and spaces to zero, so that greedy answers are text and never end early. */
function readable(output: Tensor): Tensor {
  const [width = 0] = output.shape;
  vocabulary.forEach(({ type }, token) => {
    const text = String.fromCharCode(token - firstByte);
    if (type === "normal" || (type === "byte" && /[a-z0-9.,]/.test(text))) return;
    output.values.fill(0, token * width, (token + 1) * width);
  });
  return output;
}

interface Value {
  readonly type: number;
  readonly bytes: Buffer;
}

const uint32 = (value: number): Value => ({ type: 4, bytes: u32(value) });
const int32 = (value: number): Value => ({ type: 5, bytes: u32(value) });
const float32 = (value: number): Value => ({ type: 6, bytes: f32(value) });
const bool = (value: boolean): Value => ({ type: 7, bytes: Buffer.from([value ? 1 : 0]) });
const string = (value: string): Value => ({ type: 8, bytes: text(value) });
const array = (values: readonly Value[]): Value => ({
  type: 9,
  bytes: Buffer.concat([
    u32(values[0]?.type ?? 8),
    u64(values.length),
    ...values.map(({ bytes }) => bytes),
  ]),
});

/** GGUF version 3: header, metadata, where each tensor is, then the tensors, each at a multiple of 32 bytes. */
function gguf(metadata: Record<string, Value>, tensors: readonly Tensor[]): Buffer {
  const entries = Object.entries(metadata);
  const parts = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(entries.length)];
  for (const [key, { type, bytes }] of entries) parts.push(text(key), u32(type), bytes);
  let offset = 0;
  for (const { name, shape, values } of tensors) {
    const float32Tensor = 0;
    parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(float32Tensor), u64(offset));
    offset += values.byteLength + padding(values.byteLength);
  }
  parts.push(Buffer.alloc(padding(parts.reduce((sum, { length }) => sum + length, 0))));
  for (const { values } of tensors) {
    parts.push(Buffer.from(values.buffer), Buffer.alloc(padding(values.byteLength)));
  }
  return Buffer.concat(parts);
}

const padding = (length: number): number => (32 - (length % 32)) % 32;

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}
