import type { Context } from "hono";
import type { AppApi } from "../apps/app-api.ts";
import { promptChain } from "../core/prefix.ts";
import type { HttpEnv } from "./env.ts";
import { parsedBody } from "./parsed-body.ts";
import { recall } from "./recall.ts";
import { refuse } from "./refuse.ts";

/**
 * Counts a prompt's tokens: the mesh's estimate, from characters and what engines have counted for the model; the same
 * that plans are made with. `said` makes the answer of it.
 */
export function countTokensRoute(
  parse: AppApi["parse"],
  said: (tokens: number) => object,
): (c: Context<HttpEnv>) => Promise<Response> {
  return async function countTokens(c) {
    const read = await parsedBody(c, parse);
    if (read instanceof Response) return read;
    const recalled = await recall(c, read);
    if (recalled instanceof Response) return recalled;
    const { messages, tools, model: name } = recalled.parsed.request;
    const deps = c.get("mesh").turnDeps((work) => c.executionCtx.waitUntil(work));
    const model = deps.fleet.models.get(deps.fleet.modelNames.get(name) ?? "");
    if (model === undefined)
      return refuse(c, "model_not_found", "There is no such model.", "model");
    const { totalChars } = promptChain({ model, salt: "", messages, tools });
    return c.json(said(Math.ceil(totalChars / deps.charsPerToken.get(model.id))));
  };
}
