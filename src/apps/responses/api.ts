import type { AppApi } from "../app-api.ts";
import { openaiErrors } from "../errors.ts";
import { parseResponses } from "./parse.ts";

/** OpenAI's Responses, over engines that speak chat completions. */
export const responses: AppApi = {
  name: "responses",
  path: "/v1/responses",
  errors: openaiErrors,
  parse: parseResponses,
};
