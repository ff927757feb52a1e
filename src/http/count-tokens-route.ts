import type { Context } from "hono";
import { parseCount } from "../apps/messages/parse.ts";
import { promptChain } from "../core/prefix.ts";
import type { HttpEnv } from "./env.ts";
import { parsedBody } from "./parsed-body.ts";
import { refuse } from "./refuse.ts";

/**
 * `POST /v1/messages/count_tokens`: the mesh's estimate, from characters and what engines have counted for the model; the
 * same that plans are made with.
 */
export async function countTokensRoute(c: Context<HttpEnv>): Promise<Response> {
  const parsed = await parsedBody(c, parseCount);
  if (parsed instanceof Response) return parsed;
  const { request } = parsed;
  const { charsPerToken, fleet } = c.get("mesh").turnDeps((work) => c.executionCtx.waitUntil(work));
  const model = fleet.models.get(fleet.modelNames.get(request.model) ?? "");
  if (model === undefined) return refuse(c, "model_not_found", "There is no such model.", "model");
  const { messages, tools } = request;
  const { totalChars } = promptChain({ model, salt: "", messages, tools });
  return c.json({ input_tokens: Math.ceil(totalChars / charsPerToken.get(model.id)) });
}
