import { z } from "zod";

const text = z.string().nullish().catch(null);

/** What is read of a chat completion and of its chunks; engines leave out and add what they like. */
const said = z.looseObject({
  content: text,
  refusal: text,
  reasoning_content: text,
  reasoning: text,
  tool_calls: z
    .array(
      z.looseObject({
        index: z.int().nullish(),
        id: z.string().nullish(),
        function: z
          .looseObject({ name: z.string().nullish(), arguments: z.string().nullish() })
          .nullish(),
      }),
    )
    .nullish(),
});

const completion = z.looseObject({
  choices: z.array(
    z.looseObject({
      index: z.int().nullish(),
      delta: said.nullish(),
      message: said.nullish(),
      logprobs: z
        .looseObject({ content: z.array(z.looseObject({})).nullish() })
        .nullish()
        .catch(null),
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: z.unknown().optional(),
});

/** A whole chat completion or a chunk of one, its first choice alone. Throws a SyntaxError for what is neither. */
export function readCompletion(json: string): Completion {
  const parsed = completion.safeParse(JSON.parse(json));
  if (!parsed.success) {
    throw new SyntaxError(`not a chat completion: ${parsed.error.issues[0]?.path.join(".")}`);
  }
  const { choices, usage } = parsed.data;
  const choice = choices.find(({ index }) => (index ?? 0) === 0);
  return {
    said: choice?.delta ?? choice?.message ?? undefined,
    logprobs: choice?.logprobs?.content ?? [],
    finish: choice?.finish_reason ?? undefined,
    usage: usage ?? undefined,
  };
}

export type Completion = {
  readonly said: Said | undefined;
  /** Of the tokens of its text. */
  readonly logprobs: readonly object[];
  readonly finish: string | undefined;
  readonly usage: unknown;
};

export type Said = z.infer<typeof said>;
