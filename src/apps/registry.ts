import type { AppApi } from "./app-api.ts";
import { chat } from "./chat/api.ts";
import { completions } from "./completions/api.ts";
import { embeddings } from "./embeddings/api.ts";
import { type ErrorShape, openaiErrors } from "./errors.ts";
import { messages } from "./messages/api.ts";
import { responses } from "./responses/api.ts";

/** Every API whose requests are turns. */
export const appApis: readonly AppApi[] = [chat, completions, embeddings, messages, responses];

/**
 * How errors look at a path, whether or not anything is there: as the API's it belongs to; where it belongs to several, as
 * the caller's SDK has them.
 */
export function errorsAt(path: string, headers: Headers): ErrorShape {
  const api = appApis.find((one) => path === one.path || path.startsWith(`${one.path}/`));
  if (api !== undefined) return api.errors;
  return headers.has("anthropic-version") ? messages.errors : openaiErrors;
}
