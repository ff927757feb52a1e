import type { AppApi } from "../app-api.ts";
import { openaiErrors } from "../errors.ts";
import { parseEmbedding } from "./parse.ts";

/** OpenAI's embeddings, which engines speak themselves: bytes pass both ways. */
export const embeddings: AppApi = {
  name: "embeddings",
  path: "/v1/embeddings",
  errors: openaiErrors,
  promptParam: "input",
  parse: parseEmbedding,
};
