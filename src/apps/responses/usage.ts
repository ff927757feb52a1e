import { z } from "zod";

const count = z.int().min(0);

const usage = z.looseObject({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.looseObject({ cached_tokens: count.nullish().catch(null) }).nullish(),
  completion_tokens_details: z
    .looseObject({ reasoning_tokens: count.nullish().catch(null) })
    .nullish(),
});

/** A chat's `usage` as Responses has it, where both details are numbers: 0 stands for unknown. Null for none. */
export function responseUsage(value: unknown): ResponseUsage | null {
  const parsed = usage.safeParse(value);
  if (!parsed.success) return null;
  const { prompt_tokens: input, completion_tokens: output } = parsed.data;
  const { prompt_tokens_details: prompt, completion_tokens_details: completion } = parsed.data;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: prompt?.cached_tokens ?? 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: completion?.reasoning_tokens ?? 0 },
    total_tokens: input + output,
  };
}

export type ResponseUsage = {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
};
