import type { AppApi } from "./app-api.ts";
import { chat } from "./chat/api.ts";
import { type ErrorShape, openaiErrors } from "./errors.ts";
import { messages } from "./messages/api.ts";

/** Every API whose requests are turns. */
export const appApis: readonly AppApi[] = [chat, messages];

/** How errors look at a path, whether or not anything is there: as the API's it belongs to, else as OpenAI's. */
export function errorsAt(path: string): ErrorShape {
  const api = appApis.find((one) => path === one.path || path.startsWith(`${one.path}/`));
  return api?.errors ?? openaiErrors;
}
