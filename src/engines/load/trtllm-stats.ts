import { loadOfRanks, share, type EngineLoad } from "./engine-load.ts";
import { figure, membersOf, objectsOf, parseJson } from "./json-values.ts";

/**
 * Reads TensorRT-LLM's own `GET /metrics`, which is no Prometheus page: a JSON list of what each iteration since the
 * last call was. The newest of each rank counts; an engine that ran none tells nothing.
 */
export function readTrtllmStats(body: string): EngineLoad {
  const newest = new Map<number, Readonly<Record<string, unknown>>>();
  for (const row of objectsOf(parseJson(body))) {
    newest.set(figure(row["attentionDpRank"]) ?? 0, row);
  }
  return loadOfRanks([...newest.values()].map(loadOf));
}

function loadOf(row: Readonly<Record<string, unknown>>): EngineLoad {
  const batch = membersOf(row["inflightBatchingStats"]);
  const cache = membersOf(row["kvCacheStats"]);
  const of = (name: string) => figure(cache[name]);
  const blockTokens = of("tokensPerBlock");
  const blocks = of("maxNumBlocks");
  const free = of("freeNumBlocks");
  const used = of("usedNumBlocks") ?? pair(blocks, free, (all, unused) => all - unused);
  const hit = of("reusedBlocks");
  const asked = pair(hit, of("missedBlocks"), (found, missed) => found + missed);
  return {
    waiting: figure(row["numQueuedRequests"]) ?? queued(batch),
    running: figure(row["numActiveRequests"]) ?? figure(batch["numScheduledRequests"]),
    waitingTokens: figure(batch["numQueuedCtxTokens"]),
    kvUse: share(pair(used, blocks, (part, all) => part / all)),
    cacheHitTokens: pair(hit, blockTokens, product),
    cacheQueryTokens: pair(asked, blockTokens, product),
    blockTokens,
    blocks,
  };
}

function queued(batch: Readonly<Record<string, unknown>>): number | undefined {
  const context = figure(batch["numQueuedContextRequests"]);
  const generation = figure(batch["numQueuedGenRequests"]);
  return pair(context, generation, (one, other) => one + other);
}

function product(one: number, other: number): number {
  return one * other;
}

function pair(
  one: number | undefined,
  other: number | undefined,
  both: (one: number, other: number) => number,
): number | undefined {
  return one === undefined || other === undefined ? undefined : both(one, other);
}
