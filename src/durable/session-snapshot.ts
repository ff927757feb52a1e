import { z } from "zod";
import { emptySession, type SessionState } from "../core/session/state.ts";

/** The snapshot as it was stored, or an empty session when it is of another version or damaged. */
export function parseSnapshot(stored: unknown): SessionState {
  const parsed = snapshotSchema.safeParse(stored);
  return parsed.success ? parsed.data : emptySession;
}

const count = z.number().nonnegative();

const holdingSchema = z.object({
  engine: z.string(),
  links: count,
  tokens: count,
  tier: z.string(),
  known: z.enum(["reported", "assumed"]),
  at: z.number(),
  pin: z.string().exactOptional(),
});

const storedSchema = z.object({
  id: z.string(),
  tier: z.enum(["edge", "object"]),
  key: z.string().exactOptional(),
  links: count,
  tokens: count,
  bytes: count,
  engine: z.string(),
  instances: z.record(z.string(), z.string()).exactOptional(),
  at: z.number(),
});

const branchSchema = z.object({
  n: z.int().nonnegative(),
  model: z.string(),
  turns: count,
  chain: z.string(),
  promptTokens: count,
  answerKey: z.string(),
  past: z.array(z.string()).default([]),
  holdings: z.array(holdingSchema),
  kept: z
    .object({ engine: z.string(), raw: z.string(), tokens: count, until: z.number() })
    .exactOptional(),
  stored: storedSchema.exactOptional(),
  lastAt: z.number(),
});

const statsSchema = z.object({
  turns: count,
  promptTokens: count,
  cachedTokens: count,
  outputTokens: count,
  usd: z.number(),
  savedUsd: z.number().default(0),
  firstAt: z.number(),
  lastAt: z.number(),
  outputPerTurn: count,
  newPromptPerTurn: count,
  gapMs: count,
  charsPerToken: count,
});

const paceSchema = z.object({
  requestId: z.string(),
  at: z.number(),
  promptTokens: count,
  outputTokens: count,
  chars: count,
  answer: z.string(),
  after: z.string(),
});

const snapshotSchema: z.ZodType<SessionState> = z.object({
  version: z.literal(1),
  tenant: z.string(),
  model: z.string(),
  stats: statsSchema,
  paces: z.array(paceSchema).default([]),
  branches: z.array(branchSchema),
  nextBranch: z.int().nonnegative(),
  lost: z.record(z.string(), z.number()).default({}),
  settled: z.array(z.object({ requestId: z.string(), turn: count, branch: count })),
  blobs: z.array(z.string()).exactOptional(),
});
