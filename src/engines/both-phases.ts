import { spliceText } from "../core/json-members.ts";
import type { Edits } from "./dialect.ts";

/** What every leg that answers the client needs: the engine's own model name, and usage at the end of a stream. */
export function bothPhases(leg: BothPhases): Edits {
  const { stream, model, raw } = leg;
  return {
    set: {
      model: JSON.stringify(model),
      ...saltOf(leg),
      ...cacheKeyOf(leg),
      ...(stream && { stream_options: withUsage(raw("stream_options")) }),
    },
    remove: [],
  };
}

export type BothPhases = {
  readonly stream: boolean;
  readonly model: string;
  readonly raw: (name: string) => string | undefined;
  readonly cacheSalt?: string;
  readonly promptCacheKey?: string;
};

/** The member that keeps one tenant's cached prefixes from others, for engines that take it. */
export function saltOf({ cacheSalt }: Pick<BothPhases, "cacheSalt">): Record<string, string> {
  return cacheSalt === undefined ? {} : { cache_salt: JSON.stringify(cacheSalt) };
}

/** A key that the client chose itself is better than ours: it may span conversations. */
function cacheKeyOf({ promptCacheKey, raw }: BothPhases): Record<string, string> {
  if (promptCacheKey === undefined || raw("prompt_cache_key") !== undefined) return {};
  return { prompt_cache_key: JSON.stringify(promptCacheKey) };
}

/** The client's own stream options, asking for usage; what else it asks for stays as it wrote it. */
function withUsage(options: string | undefined): string {
  if (options === undefined || !options.startsWith("{")) return '{"include_usage":true}';
  return spliceText(options, { set: { include_usage: "true" }, remove: [] });
}
