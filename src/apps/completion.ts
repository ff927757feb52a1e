import { z } from "zod";

/** What is read of a chat completion and of its chunks; engines leave out and add what they like. */
const said = z.looseObject({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  reasoning_content: z.string().nullish().catch(null),
  reasoning: z.string().nullish().catch(null),
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

const choice = z.looseObject({
  index: z.int().nullish(),
  delta: said.nullish(),
  message: said.nullish(),
  /** Of the tokens of its text. */
  logprobs: z
    .looseObject({ content: z.array(z.looseObject({})).nullish() })
    .nullish()
    .catch(null),
  finish_reason: z.string().nullish(),
  /** The stop sequence that was met, where engines tell: vLLM and TensorRT-LLM here, SGLang below. */
  stop_reason: z.unknown().optional(),
  matched_stop: z.unknown().optional(),
});

const completion = z.looseObject({
  model: z.string().nullish(),
  choices: z.array(choice),
  usage: z.unknown().optional(),
});

export type Said = z.infer<typeof said>;
export type Choice = z.infer<typeof choice>;
export type Completion = z.infer<typeof completion>;

/** A whole chat completion or a chunk of one. Throws a SyntaxError for what is neither. */
export function readCompletion(json: string): Completion {
  const parsed = completion.safeParse(JSON.parse(json));
  if (parsed.success) return parsed.data;
  throw new SyntaxError(`not a chat completion: ${parsed.error.issues[0]?.path.join(".")}`);
}

/** The one choice that is asked for; a chunk of the usage alone has none. */
export function onlyChoice({ choices }: Completion): Choice | undefined {
  return choices.find(({ index }) => (index ?? 0) === 0);
}
