import { z } from "zod";
import { AskError } from "../ask-error.ts";
import type { KvAsk } from "../engine.ts";

export const handlePattern = /^kv_[\w-]{43}$/;

/** Of any answer's `kv_transfer_params`, which may say more than the handle. */
const handle = z.object({
  handle: z.string().regex(handlePattern, "is no handle"),
  from: z.string(),
  tokens: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  model: z.string(),
  lease_ms: z.number().nonnegative(),
});

const kvAsk = z
  .strictObject({
    leave: z.union([z.literal(true), z.literal("prompt")]).exactOptional(),
    fetch: handle.exactOptional(),
    pull: z.strictObject({ from: z.string() }).exactOptional(),
  })
  .refine(({ fetch, pull }) => !fetch || !pull, "`fetch` and `pull` exclude each other");

/** Reads `kv_transfer_params` and normalises each `from` to its origin; throws an `AskError` for what is not allowed. */
export function readAsk(params: unknown, origins: ReadonlySet<string>): KvAsk {
  const read = kvAsk.safeParse(params);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw refusal(issue?.path.join(".") ?? "", issue?.message ?? "is not understood");
  }
  const { leave, fetch, pull } = read.data;
  const allowed = (from: string, at: string): string => {
    const origin = URL.canParse(from) ? new URL(from).origin : from;
    if (origins.has(origin)) return origin;
    throw refusal(at, "is not an engine that this one fetches from");
  };
  return {
    ...(leave === undefined ? {} : { leave }),
    ...(fetch ? { fetch: { ...fetch, from: allowed(fetch.from, "fetch.from") } } : {}),
    ...(pull ? { pull: { from: allowed(pull.from, "pull.from") } } : {}),
  };
}

function refusal(at: string, message: string): AskError {
  const param = at ? `kv_transfer_params.${at}` : "kv_transfer_params";
  return new AskError(400, "invalid_kv_transfer_params", `\`${param}\`: ${message}`, param);
}
