import type { Settings } from "../../admin.ts";
import type { Run } from "../../run.ts";
import { usageOf, type EngineUsage } from "../../shapes.ts";

/** Cached tokens are told only where the server was started with `--enable-cache-report`. */
export function sglangUsage(run: Run, cachedTokens: number, settings: Settings): EngineUsage {
  return usageOf(run, settings.usageDetails === true ? cachedTokens : 0);
}
