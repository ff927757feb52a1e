import { z } from "zod";
import { positive, share, zeroOrMore } from "./schema-parts.ts";

const tier = z.strictObject({
  tier: z
    .enum(["sram", "hbm", "gddr", "dram", "flash", "store", "edge", "object"])
    .describe("What it is made of"),
  bytes: positive.describe("Of one device"),
  bytesPerS: positive.describe("Bandwidth of one device"),
});

/** A device class of the mesh's own: what one device can do. */
export const device = z.strictObject({
  status: z.enum(["shipping", "announced", "hypothetical"]).describe("Whether it can be bought"),
  flops: positive.describe("Dense FLOP/s of one device at the precision it serves in"),
  mfu: share.describe("Fraction of `flops` reached in prefill"),
  memory: z.array(tier).min(1).describe("Fastest first; KV cache lives in the first"),
  constantStep: z
    .strictObject({
      baseMs: zeroOrMore.describe("Of every step"),
      msPerBillion: zeroOrMore.describe("Per 1e9 active parameters"),
    })
    .exactOptional()
    .describe("For SRAM devices, whose step takes as long whatever the batch"),
  watts: positive.describe("Of one device at work"),
  usdPerHour: zeroOrMore.describe("Of one device"),
  source: z.string().exactOptional().describe("Where the numbers come from"),
});
