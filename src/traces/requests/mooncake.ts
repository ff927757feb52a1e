import { z } from "zod";
import type { TraceSource } from "../conversation.ts";
import { parseJson } from "../parse.ts";
import { chainIds } from "./chain-ids.ts";
import type { TraceSession } from "./request.ts";

/** Requests of the Mooncake traces: 512-token blocks by ids that hold for the whole file, and no sessions. */
export async function* mooncakeSessions(
  source: TraceSource,
  copy = "",
): AsyncGenerator<TraceSession> {
  let firstMs: number | undefined;
  for await (const { number, text } of source.lines) {
    const row = parseJson(text, Row);
    if (!row.ok) {
      source.problem(number, row.message);
      continue;
    }
    const { timestamp, input_length: promptTokens, output_length, hash_ids } = row.value;
    firstMs ??= timestamp;
    const ids = hash_ids.slice(0, Math.ceil(promptTokens / BLOCK_TOKENS));
    const session = `${source.path}:${number}${copy}`;
    const request = {
      session,
      turn: 0,
      offsetMs: 0,
      thinkMs: 0,
      promptTokens,
      outputTokens: Math.max(1, output_length),
      blocks: chainIds(source.path + copy, ids),
      blockTokens: BLOCK_TOKENS,
    };
    yield { id: session, format: "mooncake", startMs: timestamp - firstMs, requests: [request] };
  }
}

const BLOCK_TOKENS = 512;

const count = z.number().int().nonnegative();
const Row = z.object({
  timestamp: z.number(),
  input_length: count.min(1),
  output_length: count,
  hash_ids: z.array(z.union([z.number(), z.string()])),
});
