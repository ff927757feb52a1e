import { z } from "zod";
import type { PlainPrompt } from "../core/chat-request.ts";

const tokens = z.array(z.int().nonnegative()).min(1);

/** What OpenAI's APIs take as prompt or input: text, ids of tokens, or several of either. */
export const plainPrompts = z.union(
  [z.string(), z.array(z.string()).min(1), tokens, z.array(tokens).min(1)],
  { error: "it is text, ids of tokens, or a list of either, none of them empty lists" },
);

/** Each of them by itself. */
export function eachPrompt(prompts: z.infer<typeof plainPrompts>): readonly PlainPrompt[] {
  if (typeof prompts === "string") return [prompts];
  return isTokens(prompts) ? [prompts] : prompts;
}

/** True where several can be said, even if it is one that is. */
export function isPromptList(prompts: z.infer<typeof plainPrompts>): boolean {
  return typeof prompts !== "string" && !isTokens(prompts);
}

function isTokens(prompts: z.infer<typeof plainPrompts>): prompts is number[] {
  return typeof prompts[0] === "number";
}
