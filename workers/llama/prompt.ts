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

function chatText({ template, model }: LoadedModel, prompt: ChatPrompt): string {
  const { messages, continueFinalMessage, addGenerationPrompt } = prompt;
  const { bosString, eosString } = model.tokens;
  const last = messages.at(-1)?.content ?? "";
  try {
    const text = template.render({
      messages,
      add_generation_prompt: addGenerationPrompt && !continueFinalMessage,
      bos_token: bosString ?? "",
      eos_token: eosString ?? "",
    });
    return continueFinalMessage ? upTo(text, last) : text;
  } catch (error) {
    if (error instanceof AskError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new AskError(400, "invalid_value", `The model's chat template: ${why}`, "messages");
  }
}

/** A template may trim what it is given, and says something after it that would end the message. */
function upTo(text: string, last: string): string {
  const [whole, trimmed] = [text.lastIndexOf(last), text.lastIndexOf(last.trim())];
  if (whole >= 0) return text.slice(0, whole + last.length);
  if (trimmed >= 0) return text.slice(0, trimmed + last.trim().length);
  throw new AskError(
    400,
    "invalid_value",
    "The model's chat template does not say the last message as it is, so it cannot be continued",
    "continue_final_message",
  );
}

function withBos({ model }: LoadedModel, tokens: Token[]): Token[] {
  const { bos, shouldPrependBosToken } = model.tokens;
  if (bos === null || !shouldPrependBosToken || tokens[0] === bos) return tokens;
  return [bos, ...tokens];
}
