import { failure } from "../../problem.ts";
import { usageOf } from "../../shapes.ts";
import type { EmulatedDialect, EngineRequest, Taken } from "../dialect.ts";
import { Limits, type Shortage } from "./limits.ts";
import { PromptCache } from "./prompt-cache.ts";

/** A hosted API: it limits what it is sent, keeps prompts for a while, and shows nothing of its engines. */
export const hosted: EmulatedDialect = (side) => {
  const limits = new Limits(side);
  const cache = new PromptCache(side);
  return {
    take(request) {
      const shortage = limits.take(tokensOf(request));
      if (shortage) return refused(shortage, limits.headers());
      const { ask } = request;
      const taken: Taken = {
        leg: "both",
        order: (choice) => {
          const tokens = ask.choices[choice]?.tokens ?? [];
          return { findsTokens: cache.liveTokens(tokens, ask.cacheSalt) };
        },
        usage: (run) => {
          const details = { cached_tokens: run.cachedTokens };
          const isTold = side.settings().usageDetails !== false;
          return { ...usageOf(run, 0), ...(isTold && { prompt_tokens_details: details }) };
        },
        headers: () => limits.headers(),
        hooks: {
          prefilled: (choice) => cache.keep(ask.choices[choice]?.tokens ?? [], ask.cacheSalt),
          over: () => limits.release(),
        },
      };
      return taken;
    },
  };
};

/** What a request counts against the limit of tokens: its prompt, or as much as it may be answered if that is more. */
function tokensOf({ ask, body }: EngineRequest): number {
  const most = Number(body["max_completion_tokens"] ?? body["max_tokens"] ?? 0);
  return Math.max(ask.promptTokens, Number.isFinite(most) ? most : 0);
}

function refused(
  { kind, limit, used, asked, waitMs }: Shortage,
  headers: Readonly<Record<string, string>>,
): Response {
  const figures = `Limit ${limit}, Used ${used}, Requested ${asked}`;
  const message = `Rate limit reached on ${kind}: ${figures}. Please try again in ${waitMs}ms.`;
  return failure(429, "rate_limit_exceeded", message, {
    ...headers,
    "retry-after": String(Math.ceil(waitMs / 1000)),
    "retry-after-ms": String(waitMs),
  });
}
