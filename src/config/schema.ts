import { z } from "zod";
import { device } from "./schema-device.ts";
import { id, modelId, positive, positiveInt, zeroOrMore } from "./schema-parts.ts";

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
  params: positive,
  activeParams: positive.describe("Parameters one token uses; equals `params` unless experts"),
  layers: positiveInt,
  attnDim: positiveInt.describe("Width of attention summed over heads"),
  weightBytes: positive,
  kvBytesPerToken: positive,
  contextWindow: positiveInt.describe("Tokens"),
  aliases: z.array(modelId).default([]),
  defaultOutputTokens: positiveInt
    .default(256)
    .describe("Output expected when neither the session nor the request says"),
  template: z.strictObject({
    order: z.array(z.enum(["tools", "system", "messages"])).min(1),
    keepsReasoning: z.boolean(),
  }),
});

const secretName = z.string().regex(/^[A-Z][A-Z0-9_]*$/);

/** What the transport, the client's body or the key decide is not for configuration to say. */
const headerName = z
  .string()
  .regex(/^(?!(?:host|authorization|connection|content-.*|transfer-encoding)$)[a-z0-9-]+$/);

const engine = z.strictObject({
  id: id.describe("Unique in its pool"),
  url: z
    .url({ protocol: /^(?:https?|workers-ai)$/ })
    .describe("Its base URL; `workers-ai://` and a model's name where the dialect is `workers-ai`"),
  apiKeySecret: secretName
    .exactOptional()
    .describe("Name of the secret that holds the key, never the key"),
  bootstrapHost: z
    .string()
    .min(1)
    .exactOptional()
    .describe("Where its decode engines meet it, when that is not the host of `url`"),
  bootstrapPort: z
    .int()
    .min(1)
    .max(65_535)
    .exactOptional()
    .describe("8998 unless told; for `llm-d` the port of `url`"),
  drain: z.boolean().default(false).describe("It ends what it has and is sent nothing new"),
});

const pool = z.strictObject({
  model: z.string(),
  device: z.string().describe("A device class, built in or of `devices`"),
  devices: positiveInt.default(1).describe("Devices per engine"),
  region: z.string(),
  dialect: z.string(),
  roles: z.array(z.enum(["prefill", "decode"])).min(1),
  routed: z
    .enum(["us", "itself"])
    .describe("`itself` where one URL hides a fleet that chooses its engine"),
  kvLayout: z.string().min(1).exactOptional().describe("Pools pass KV cache only where equal"),
  kvTokens: positiveInt
    .exactOptional()
    .describe("KV cache tokens of one engine; overrides what the device's memory would hold"),
  maxBatch: positiveInt.default(64),
  perMTok: z
    .strictObject({ in: zeroOrMore, cached: zeroOrMore, out: zeroOrMore })
    .exactOptional()
    .describe("Token prices, dollars per million tokens"),
  limits: z
    .strictObject({
      rpm: positiveInt.exactOptional(),
      tpm: positiveInt.exactOptional(),
      concurrency: positiveInt.exactOptional(),
    })
    .exactOptional()
    .describe("Of each engine, for pools that route themselves: at most so much is sent"),
  modelName: modelId.exactOptional().describe("What its engines call the model, when not `model`"),
  headers: z
    .record(headerName, z.string())
    .exactOptional()
    .describe("Sent with every request to its engines; secrets belong in `apiKeySecret`"),
  bidirectional: z
    .boolean()
    .default(false)
    .describe("Its decode engines keep what they decoded for the prefill of the next turn"),
  dpSize: positiveInt.default(1).describe("Ranks of data parallelism behind each engine's URL"),
  cacheSalt: z
    .boolean()
    .exactOptional()
    .describe(
      "Its engines know `cache_salt`, which keeps one tenant's cached prefixes from others",
    ),
  workerPins: z
    .boolean()
    .exactOptional()
    .describe(
      "A session stays with the workers behind `url` that served it last, where they are told",
    ),
  promptCacheKey: z
    .boolean()
    .exactOptional()
    .describe(
      "Its engines know `prompt_cache_key`: they are sent the session's, if the client sent none",
    ),
  cacheTtlS: positive
    .exactOptional()
    .describe("How long a pool that routes itself keeps a prefix nobody asks for; 300 unless told"),
  cacheMinTokens: positiveInt
    .exactOptional()
    .describe("Shortest prefix that such a pool caches; 1024 unless told"),
  cacheStepTokens: positiveInt
    .exactOptional()
    .describe("It caches in steps of so many tokens; 128 unless told"),
  hypothetical: z.boolean().default(false).describe("No released engine does this"),
  engines: z.array(engine).min(1),
});

const link = z.strictObject({
  from: z.string(),
  to: z.string(),
  transport: z.enum(["nvlink", "rdma", "tcp", "wan"]),
  gbps: positive.describe("Of the whole link, Gb/s"),
  perFlowGbps: positive.describe("Of one transfer, Gb/s"),
  rttMs: zeroOrMore,
  usdPerGB: zeroOrMore,
});

const store = z.strictObject({
  tier: z.enum(["dram", "flash", "store", "edge", "object"]),
  bytes: positive,
  gbps: positive,
  region: z.string(),
  dialects: z.array(z.string()).min(1),
});

const rule = z.strictObject({
  when: z.strictObject({
    phase: z.enum(["prefill-heavy", "balanced", "decode-heavy"]).exactOptional(),
    context: z.enum(["short", "medium", "long", "ultra"]).exactOptional(),
    urgency: z.enum(["interactive", "batch"]).exactOptional(),
    size: z.enum(["small", "large"]).exactOptional(),
    place: z
      .string()
      .exactOptional()
      .describe("`anywhere`, `edge-bound`, `edge-bound:<region>` or a jurisdiction"),
  }),
  prefer: z.array(z.string()).min(1).exactOptional(),
  only: z.array(z.string()).min(1).exactOptional(),
});

const labels = z.strictObject({
  context: z.strictObject({
    mediumFrom: positiveInt,
    longFrom: positiveInt,
    ultraFrom: positiveInt,
  }),
  smallUpToParams: positive,
});

const slo = z.strictObject({
  interactive: z.strictObject({ ttftMs: positive, tpotMs: positive }),
  batch: z.strictObject({ deadlineMs: positive }),
});

const prices = z.strictObject({
  valueOfTimeUsdPerS: z.strictObject({ interactive: zeroOrMore, batch: zeroOrMore }),
  missPenaltyUsd: zeroOrMore,
  joulePriceUsd: zeroOrMore,
});

/** `mesh.json`: the single source of its shape. What spans entries is checked in `checks.ts`. */
export const meshSchema = z.strictObject({
  $schema: z.string().exactOptional(),
  regions: z.record(id, region),
  devices: z.record(id, device).default({}).describe("Your own device classes"),
  models: z.record(modelId, model),
  pools: z.record(id, pool),
  links: z.array(link).default([]),
  stores: z.record(id, store).default({}),
  rules: z.array(rule).default([]),
  labels,
  slo,
  prices,
});

/** `mesh.json` after its shape was checked and defaults were filled in. */
export type Mesh = z.infer<typeof meshSchema>;
