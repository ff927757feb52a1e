import type { EngineAsk } from "../../ask.ts";
import type { EngineRequest } from "../dialect.ts";

/** A chat request with `prompt_token_ids` is not read again: those are its prompt. */
export function withTokenIds({ ask, api, body }: EngineRequest): EngineAsk {
  const given = body["prompt_token_ids"];
  if (api !== "chat" || !Array.isArray(given) || given.length === 0) return ask;
  const tokens = given.map(Number);
  const choices = ask.choices.map((choice) => ({ ...choice, tokens }));
  return { ...ask, choices, promptTokens: tokens.length };
}
