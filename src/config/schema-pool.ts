import { z } from "zod";
import { id, positive, positiveInt, zeroOrMore } from "./schema-parts.ts";

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
    .describe("The host at which its decode engines meet it, when that is not the one of `url`"),
  bootstrapPort: z
    .int()
    .min(1)
    .max(65_535)
    .exactOptional()
    .describe("The port of that; 8998 unless told, for `llm-d` the port of `url`"),
  drain: z.boolean().default(false).describe("It ends what it has and is sent nothing new"),
});

/** Interchangeable engines: one model build, device class, region, dialect and set of roles. */
export const pool = z.strictObject({
  model: z.string().describe("Which of `models` its engines serve"),
  device: z.string().describe("What its engines run on: a device class, built in or of `devices`"),
  devices: positiveInt.default(1).describe("Devices per engine"),
  region: z.string().describe("Which of `regions` its engines are in"),
  dialect: z.string().describe("How its engines are spoken to, such as `openai` or `vllm-nixl`"),
  roles: z
    .array(z.enum(["prefill", "decode", "encode"]))
    .min(1)
    .describe(
      "Phases that its engines take; `encode` stands alone: they encode media for others of model and region",
    ),
  routed: z
    .enum(["us", "itself"])
    .describe("Who chooses the engine: `us`, or `itself` where one URL hides a fleet that does"),
  kvLayout: z
    .string()
    .min(1)
    .exactOptional()
    .describe("Any name for the layout of its KV cache; pools pass it on only where it is equal"),
  kvTokens: positiveInt
    .exactOptional()
    .describe("KV cache tokens of one engine; overrides what the device's memory would hold"),
  maxBatch: positiveInt.default(64).describe("Requests that one engine decodes at once"),
  perMTok: z
    .strictObject({
      in: zeroOrMore.describe("Prompt tokens that were not cached"),
      cached: zeroOrMore.describe("Prompt tokens that were; as `in` where there is no discount"),
      out: zeroOrMore.describe("Tokens of answers"),
    })
    .exactOptional()
    .describe("Token prices, dollars per million tokens"),
  limits: z
    .strictObject({
      rpm: positiveInt.exactOptional().describe("Requests a minute"),
      tpm: positiveInt.exactOptional().describe("Tokens a minute, of prompts and answers"),
      concurrency: positiveInt.exactOptional().describe("Requests at once"),
    })
    .exactOptional()
    .describe("The most that each engine of a pool that routes itself is sent by one isolate"),
  modelName: z
    .string()
    .min(1)
    .exactOptional()
    .describe("What its engines call the model, when not `model`"),
  headers: z
    .record(headerName, z.string())
    .exactOptional()
    .describe("Sent with every request to its engines; secrets belong in `apiKeySecret`"),
  bidirectional: z
    .boolean()
    .default(false)
    .describe("Its engines keep what they decoded, for the prefill of the next turn to fetch"),
  kvExport: z
    .enum(["auto", "never", "always"])
    .exactOptional()
    .describe(
      "Whether a session's KV cache is taken out of its engines and kept for later turns: where that pays unless told",
    ),
  dpSize: positiveInt.default(1).describe("Ranks of data parallelism behind each engine's URL"),
  cacheSalt: z
    .boolean()
    .exactOptional()
    .describe(
      "Its engines know `cache_salt`, which keeps one tenant's cached prefixes from others",
    ),
  continues: z
    .boolean()
    .exactOptional()
    .describe(
      "Its engines know `continue_final_message`, by which they go on with answers that others began",
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
  hypothetical: z
    .boolean()
    .default(false)
    .describe("No released engine does what the pool describes"),
  engines: z.array(engine).min(1).describe("Its engines, or the URL of its fleet"),
});
