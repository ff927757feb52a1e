import type { Run } from "../../run.ts";
import { usageOf, type EngineUsage } from "../../shapes.ts";
import type { EngineSide } from "../dialect.ts";

/** Cached tokens are told unless the server was started without `--enable-prompt-tokens-details`. */
export function vllmUsage(run: Run, cachedTokens: number, side: EngineSide): EngineUsage {
  return usageOf(run, side.settings().usageDetails === false ? 0 : cachedTokens);
}
