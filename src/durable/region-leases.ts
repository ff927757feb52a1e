import { z } from "zod";
import type { Lease } from "../core/grant/lease.ts";

/** A lease as it is stored: one row a grant. */
export type LeaseRow = {
  readonly ticket: string;
  /** Its figures, as JSON. */
  readonly body: string;
  readonly keys: ArrayBuffer;
  readonly tokens: ArrayBuffer;
};

/** Far below the 2 MB of a row with any prompt that a worker takes in. */
export function rowOf({ engine, live }: Lease): LeaseRow {
  const { ticket, keys, linkTokens, claim: _claim, pull: _pull, ...figures } = live;
  return {
    ticket,
    body: JSON.stringify({ ...figures, engine }),
    keys: keys.slice().buffer,
    tokens: linkTokens.slice().buffer,
  };
}

/** The lease of a row; undefined for one of another version, or a damaged one. */
export function parseLease({ ticket, body, keys, tokens }: LeaseRow): Lease | undefined {
  const parsed = bodySchema.safeParse(body);
  if (!parsed.success || keys.byteLength % 8 > 0 || tokens.byteLength % 4 > 0) return undefined;
  const { engine, ...figures } = parsed.data;
  const chain = { keys: new Float64Array(keys), linkTokens: new Uint32Array(tokens) };
  // Of prompts from before a restart it is not known which came one after another; where they pulled from, nobody asks.
  const untold = { waitedForRoom: false, claim: undefined, pull: undefined, place: -1 };
  return { engine, live: { firstTokenAt: undefined, ...figures, ...untold, ...chain, ticket } };
}

const bodySchema = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue("not JSON");
      return z.NEVER;
    }
  })
  .pipe(
    z.object({
      engine: z.string(),
      leg: z.enum(["both", "prefill", "decode"]),
      heldTokens: z.number(),
      coveredTokens: z.number(),
      grantedAt: z.number(),
      prefillMs: z.number(),
      prefillEndsAt: z.number(),
      kvTokens: z.number(),
      unindexedTokens: z.number(),
      slotTokens: z.number(),
      outputTokens: z.number(),
      endsAt: z.number(),
      modelledStepMs: z.number(),
      modelledPrefillMs: z.number(),
      firstTokenAt: z.number().optional(),
      freeMsThen: z.number(),
      leaseUntil: z.number(),
    }),
  );
