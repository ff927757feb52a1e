import { type EngineLoad, loadOfRanks } from "./engine-load.ts";
import { readLoad } from "./read-load.ts";
import { readSglangLoads } from "./sglang-loads.ts";
import { readTrtllmStats } from "./trtllm-stats.ts";

/** Where an engine tells its load when it is asked. */
export type LoadSource = {
  /** Below the engine's URL. */
  readonly path: string;
  /** Never throws: of what it cannot read it tells nothing. */
  read(body: string, contentType: string): EngineLoad;
};

/** The metrics page of whichever engine has one: Prometheus's text, or the iterations that TensorRT-LLM lists in JSON. */
export const METRICS: LoadSource = {
  path: "/metrics",
  read: (body, contentType) => (isJson(contentType) ? readTrtllmStats(body) : readLoad(body)),
};

/** SGLang's own way, which needs no flag; the older one counts less. */
export const SGLANG_LOADS: readonly LoadSource[] = ["/v1/loads", "/get_load"].map((path) => ({
  path,
  read: (body) => loadOfRanks(readSglangLoads(body).map(({ load }) => load)),
}));

function isJson(contentType: string): boolean {
  return /^application\/json\b/i.test(contentType);
}
