import { z } from "zod";
import { device } from "./schema-device.ts";
import { id, modelId, positive, positiveInt, zeroOrMore } from "./schema-parts.ts";
import { pool } from "./schema-pool.ts";

const region = z.strictObject({
  lat: z.number().min(-90).max(90).describe("Degrees north"),
  lon: z.number().min(-180).max(180).describe("Degrees east"),
  hint: z
    .enum(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"])
    .exactOptional()
    .describe("Cloudflare location hint of the region's objects"),
  jurisdiction: id.exactOptional().describe("Whose law holds, such as `eu` or `us`"),
  epoch: positiveInt
    .exactOptional()
    .describe("Raise it when the region has moved: its objects are made anew where it is now"),
  shards: z
    .enum(["pool"])
    .exactOptional()
    .describe("Gives each pool an object of its own: for regions of over 300 grants a second"),
});

const model = z.strictObject({
  kind: z
    .enum(["chat", "embedding"])
    .exactOptional()
    .describe(
      "`embedding` where it makes vectors of texts, and its pools only prefill; else `chat`",
    ),
  params: positive.describe("Parameters in all"),
  activeParams: positive.describe(
    "Parameters that one token uses: as many as `params`, less in a mixture of experts",
  ),
  layers: positiveInt.describe("Transformer layers"),
  attnDim: positiveInt.describe("Width of attention summed over heads"),
  weightBytes: positive.describe("Weights as they are served"),
  kvBytesPerToken: positive.describe("KV cache of one token, over all layers"),
  contextWindow: positiveInt.describe("Tokens of prompt and answer together"),
  aliases: z.array(modelId).default([]).describe("Other names that clients may send"),
  defaultOutputTokens: positiveInt
    .default(256)
    .describe("Output expected when neither the session nor the request says"),
  template: z
    .strictObject({
      order: z
        .array(z.enum(["tools", "system", "messages"]))
        .min(1)
        .describe("In which the parts of a conversation stand in the prompt"),
      keepsReasoning: z.boolean().describe("Later prompts repeat what a turn reasoned"),
    })
    .describe("How its chat template writes a prompt"),
  media: z
    .strictObject({
      imageTokens: positiveInt.exactOptional().describe("Of one picture"),
      audioTokens: positiveInt.exactOptional().describe("Of one sound"),
      videoTokens: positiveInt.exactOptional().describe("Of one video"),
      fileTokens: positiveInt.exactOptional().describe("Of one file"),
    })
    .exactOptional()
    .describe("Prompt tokens of one picture, sound, video or file; 765 unless told"),
});

const link = z.strictObject({
  from: z.string().describe("The pool whose engines hand KV cache over, or have what others pull"),
  to: z
    .string()
    .describe(
      "The pool whose engines take it, in the same dialect and `kvLayout`; itself for pulls",
    ),
  transport: z.enum(["nvlink", "rdma", "tcp", "wan"]).describe("What it crosses by"),
  gbps: positive.describe("Of the whole link, Gb/s"),
  perFlowGbps: positive.describe("Of one transfer, Gb/s"),
  rttMs: zeroOrMore.describe("Round trip, no less than light in fibre takes"),
  usdPerGB: zeroOrMore.describe("Price of what crosses"),
});

const store = z.strictObject({
  tier: z.enum(["dram", "flash", "store", "edge", "object"]).describe("What it keeps KV cache in"),
  bytes: positive.describe("How much it keeps"),
  gbps: positive.describe("What one engine reads from it, Gb/s"),
  region: z.string().describe("Which of `regions` it is in"),
  dialects: z.array(z.string()).min(1).describe("Of the engines that share it"),
});

const rule = z.strictObject({
  when: z
    .strictObject({
      phase: z
        .enum(["prefill-heavy", "balanced", "decode-heavy"])
        .exactOptional()
        .describe("What most of the work is"),
      context: z
        .enum(["short", "medium", "long", "ultra"])
        .exactOptional()
        .describe("How long the prompt is, by `labels`"),
      urgency: z.enum(["interactive", "batch"]).exactOptional().describe("Whether anyone waits"),
      size: z.enum(["small", "large"]).exactOptional().describe("Of the model, by `labels`"),
      place: z
        .string()
        .exactOptional()
        .describe("`anywhere`, `edge-bound`, `edge-bound:<region>` or a jurisdiction"),
    })
    .describe("Labels that a request has to have, all of them"),
  prefer: z
    .array(z.string())
    .min(1)
    .exactOptional()
    .describe("Pools that count as cheaper than the others"),
  only: z.array(z.string()).min(1).exactOptional().describe("Pools that alone may serve it"),
});

const labels = z.strictObject({
  context: z
    .strictObject({
      mediumFrom: positiveInt.describe("Prompt tokens; fewer are `short`"),
      longFrom: positiveInt.describe("Prompt tokens"),
      ultraFrom: positiveInt.describe("Prompt tokens"),
    })
    .describe("Where the labels of prompt length begin"),
  smallUpToParams: positive.describe("Models of more parameters are `large`"),
});

const slo = z.strictObject({
  interactive: z
    .strictObject({
      ttftMs: positive.describe("Time to the first token"),
      tpotMs: positive.describe("Time for each token after it"),
    })
    .describe("Of requests that somebody waits for"),
  batch: z
    .strictObject({ deadlineMs: positive.describe("From request to end") })
    .describe("Of requests that nobody waits for"),
});

const prices = z.strictObject({
  valueOfTimeUsdPerS: z
    .strictObject({
      interactive: zeroOrMore.describe("Dollars per second"),
      batch: zeroOrMore.describe("Dollars per second"),
    })
    .describe("What a second sooner is worth"),
  missPenaltyUsd: zeroOrMore.describe("What a missed objective costs, dollars"),
  joulePriceUsd: zeroOrMore.describe("What a joule costs, dollars"),
});

/** `mesh.json`: the single source of its shape. What spans entries is checked in `checks.ts`. */
export const meshSchema = z.strictObject({
  $schema: z.string().exactOptional().describe("Where editors find the schema of this file"),
  regions: z.record(id, region).describe("Where engines are"),
  devices: z.record(id, device).default({}).describe("Your own device classes"),
  models: z.record(modelId, model).describe("What engines serve"),
  pools: z.record(id, pool).describe("Interchangeable engines, under one name"),
  links: z.array(link).default([]).describe("Between which pools KV cache can cross, and how fast"),
  stores: z
    .record(id, store)
    .default({})
    .describe("KV cache that engines share, for emulated engines to share it: plans go by `links`"),
  rules: z.array(rule).default([]).describe("Pools that some requests prefer, or have to go to"),
  labels: labels.describe("Where labels begin and end"),
  slo: slo.describe("Objectives that requests should meet"),
  prices: prices.describe("What milliseconds, missed objectives and energy count for in dollars"),
});

/** `mesh.json` after its shape was checked and defaults were filled in. */
export type Mesh = z.infer<typeof meshSchema>;
