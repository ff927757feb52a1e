import type { Token } from "node-llama-cpp";
import { AskError } from "./ask-error.ts";
import type { LoadedModel } from "./model.ts";

export type Message = {
  readonly role: string;
  readonly content: string;
  readonly name?: string;
};

export type ChatPrompt = {
  readonly messages: readonly Message[];
  /** Whether the answer goes on in the last message instead of beginning a new one. */
  readonly continueFinalMessage: boolean;
  readonly addGenerationPrompt: boolean;
  /** What the template is given besides, such as `enable_thinking`. */
  readonly templateArguments: Readonly<Record<string, unknown>>;
};

/** The tokens of a conversation in the model's own template; throws an `AskError` when the template refuses it. */
export function chatTokens(loaded: LoadedModel, prompt: ChatPrompt): Token[] {
  const text = chatText(loaded, prompt);
  const tokens = loaded.model.tokenize(text, true);
  return withBos(loaded, tokens);
}

/** The tokens of a plain prompt, after the model's first token where it has one. */
export function textTokens(loaded: LoadedModel, text: string): Token[] {
  return withBos(loaded, loaded.model.tokenize(text));
}

/** Stands where the last message goes on; what a template says after it would end the message. */
const GOES_ON = "\u0001";

function chatText({ template, model }: LoadedModel, prompt: ChatPrompt): string {
  const { messages, continueFinalMessage, addGenerationPrompt, templateArguments } = prompt;
  const { bosString, eosString } = model.tokens;
  const goesOn = messages.map((message, index) =>
    continueFinalMessage && index === messages.length - 1
      ? { ...message, content: message.content + GOES_ON }
      : message,
  );
  const text = rendered(template, {
    ...templateArguments,
    messages: goesOn,
    add_generation_prompt: addGenerationPrompt && !continueFinalMessage,
    bos_token: bosString ?? "",
    eos_token: eosString ?? "",
  });
  return continueFinalMessage ? text.slice(0, text.lastIndexOf(GOES_ON)) : text;
}

function rendered(template: LoadedModel["template"], context: Record<string, unknown>): string {
  try {
    return template.render(context);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AskError(400, "invalid_value", `The model's chat template: ${why}`, "messages");
  }
}

function withBos({ model }: LoadedModel, tokens: Token[]): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  if (bos === null || !shouldPrependBosToken || tokens[0] === bos) return tokens;
  return [bos, ...tokens];
}
