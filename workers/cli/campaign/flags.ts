import { z } from "zod";
import { calibrations } from "../../../src/replay/calibrations.ts";
import { ABLATIONS, OURS } from "../../../src/replay/campaign/results.ts";
import { baselines } from "../../../src/replay/policies/policies.ts";

/** Names separated by commas, of those there are. */
function names<Name extends string>(all: readonly Name[]) {
  return z
    .string()
    .default(all.join(","))
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(all as [Name, ...Name[]])));
}

const Word = z.union([z.string(), z.number()]);
const Traces = z
  .union([Word, z.array(Word).min(1)], "--trace is needed")
  .transform((given) => [given].flat().map(String));
const Loads = Word.transform((text) => String(text).split(",").map(Number)).pipe(
  z.array(z.number().positive()),
);

/** The flags of `npm run campaign`, checked. */
export const Flags = z.object({
  trace: Traces,
  out: z.string("--out is needed"),
  calibration: names([...calibrations.keys()]),
  arrivals: names(["traced", "spread", "chance"]),
  load: Loads,
  policy: names([OURS, ...ABLATIONS, ...baselines.keys()]),
  sight: names(["exact", "stale"]),
  seeds: z.number().int().min(1),
  sweep: z.boolean(),
  engines: z.number().int().min(1),
  rttMs: z.number().min(0),
  requests: z.number().int().min(1),
  mostPauseMs: z.number().min(0),
  threads: z.number().int().min(0),
  markdown: z.boolean().default(false),
});
export type Flags = z.infer<typeof Flags>;

/** The flags of `npm run campaign -- split`, checked. */
export const SplitFlags = z.object({
  trace: Traces,
  fleet: z.coerce.string(),
  model: z.coerce.string().optional(),
  load: Loads,
  sight: names(["exact", "stale"]),
  seeds: z.number().int().min(1),
  sweep: z.boolean().default(false),
  dollars: z.boolean(),
  requests: z.number().int().min(1),
  mostPauseMs: z.number().min(0),
});
