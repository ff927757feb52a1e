import type { AppApi } from "../app-api.ts";
import { openaiErrors } from "../errors.ts";
import { parseCompletion } from "./parse.ts";

/** OpenAI's text completions, which engines speak themselves: bytes pass both ways. */
export const completions: AppApi = {
  name: "completions",
  path: "/v1/completions",
  errors: openaiErrors,
  promptParam: "prompt",
  parse: parseCompletion,
};
