import { z } from "zod";
import { TEMPLATE_TOKENS_PER_MESSAGE } from "./conversation.ts";
import type { Conversation, TraceSource } from "./conversation.ts";
import { hashText } from "./hash-text.ts";
import { parseJson } from "./parse.ts";

/** Requests of the Mooncake traces: each a conversation of one turn, sharing 512-token blocks by global ids. */
export async function* readMooncake(source: TraceSource): AsyncGenerator<Conversation> {
  const name = source.path.replace(/^.*[\\/]/, "").replace(/\.\w+$/, "");
  for await (const { number, text } of source.lines) {
    const row = parseJson(text, Row);
    if (!row.ok) {
      source.problem(number, row.message);
      continue;
    }
    const { input_length: input, output_length: output, hash_ids: ids } = row.value;
    const prompt = { scope: "mooncake", ids, blockSize: 512, tail: `${name}-${number}` };
    yield {
      id: `${name}-${number}`,
      contextTokens: input + output + TEMPLATE_TOKENS_PER_MESSAGE * 2,
      turns: [
        {
          messages: () => [{ role: "user", content: hashText(prompt, 0, input) }],
          maxTokens: Math.max(1, output),
        },
      ],
    };
  }
}

const count = z.number().int().nonnegative();
const Row = z.object({
  timestamp: z.number(),
  input_length: count.min(1),
  output_length: count,
  hash_ids: z.array(z.number().int()),
});
