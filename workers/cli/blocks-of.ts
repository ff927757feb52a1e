import type { PromptBlocks } from "../../src/drive/options.ts";
import { extend, heldOf } from "../../src/sim/hash.ts";
import { chatTokens, textTokens } from "../../src/sim/tokens.ts";

/** The KV blocks that an emulated engine makes of messages, and of an answer to them but for its last token. */
export function blocksOf(messages: readonly object[], answer?: string): PromptBlocks {
  const tokens = chatTokens({ messages });
  const prompt = heldOf(tokens);
  const whole = answer === undefined ? prompt : extend(prompt, textTokens(answer).slice(0, -1));
  return { hashes: whole.blocks, tokens: tokens.length };
}
