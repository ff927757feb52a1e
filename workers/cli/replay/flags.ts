import { z } from "zod";
import { askedRestart } from "./restarts.ts";

/** What the command line made of a word: names of digits became numbers. */
const Word = z.union([z.string(), z.number()]);

/** A flag that may be repeated. */
function list(missing?: string) {
  return z
    .union([Word, z.array(Word).min(1)], missing)
    .transform((given) => [given].flat().map(String));
}

/** The flags of `npm run replay`, checked. */
export const Flags = z.object({
  trace: list("--trace is needed"),
  fleet: list().optional(),
  model: z.coerce.string().optional(),
  policy: z
    .string()
    .optional()
    .transform((names) => names?.split(",").map((name) => name.trim())),
  calibration: z.string(),
  engines: z.number().int().min(1),
  rate: z.number().positive(),
  load: z.number().positive().optional(),
  edges: z.number().int().min(1),
  staleMs: z.number().min(0),
  rttMs: z.number().min(0),
  reportMs: z
    .union([z.number(), z.string()])
    .transform((range) => String(range).split("-").map(Number))
    .refine(
      (ends) => ends.length <= 2 && ends.every((ms) => ms >= 0),
      "--report-ms is a number or a range like 50-300",
    ),
  costError: z.number().min(0).max(1),
  seeds: z.number().int().min(1),
  spreadMs: z.number().positive().optional(),
  sessionsPerS: z.number().positive().optional(),
  repeat: z.number().int().min(1).max(250),
  blockTokens: z.number().int().min(1).optional(),
  restart: list()
    .optional()
    .transform((words = [], context) =>
      words.flatMap((word) => {
        const asked = askedRestart(word);
        if (asked) return [asked];
        context.addIssue(`\`${word}\` is not engine@seconds, such as 3@60`);
        return [];
      }),
    ),
  edgeRegions: z
    .string()
    .optional()
    .transform((names) => names?.split(",").map((name) => name.trim())),
  sloShare: z.number().positive().max(1).optional(),
  html: z.coerce.string().optional(),
  json: z.boolean().default(false),
});
export type Flags = z.infer<typeof Flags>;
