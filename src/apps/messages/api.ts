import type { AppApi } from "../app-api.ts";
import { anthropicErrors } from "./errors.ts";
import { parseMessages } from "./parse.ts";

/** Anthropic's Messages, over engines that speak chat completions. */
export const messages: AppApi = {
  name: "messages",
  path: "/v1/messages",
  errors: anthropicErrors,
  parse: parseMessages,
};
