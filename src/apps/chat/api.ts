import type { AppApi } from "../app-api.ts";
import { openaiErrors } from "../errors.ts";
import { parseChat } from "./parse.ts";

/** OpenAI's chat completions, which engines speak themselves: bytes pass both ways. */
export const chat: AppApi = {
  name: "chat",
  path: "/v1/chat/completions",
  errors: openaiErrors,
  parse: parseChat,
};
