import type { Settings } from "../../admin.ts";
import type { Run } from "../../run.ts";
import { usageOf, type EngineUsage } from "../../shapes.ts";

/** Cached tokens are told always, even where there are none. */
export function trtllmUsage(run: Run, cachedTokens: number, settings: Settings): EngineUsage {
  const usage = usageOf(run, 0);
  if (settings.usageDetails === false) return usage;
  return { ...usage, prompt_tokens_details: { cached_tokens: cachedTokens } };
}
