import type { EngineGauges, PolicyEntry } from "../policy.ts";
import { leastOf, sendTo, usableEngines } from "./choose.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * `cache_aware` of the SGLang gateway (`policies/cache_aware.rs` @053b63ff, `config/types.rs` @02ccf4e3): while loads
 * are balanced, the engine that was sent most of the prompt before, if that is more than a share of it; else the fewest
 * requests. Defaults are those of its command line; the Rust struct has 0.5, 32 and 1.1.
 */
export function sglangCacheAware({
  cacheThreshold = 0.3,
  balanceAbs = 64,
  balanceRel = 1.5,
  treeTokens = 67_108_864 / CHARS_PER_TOKEN,
}: SglangParams = {}): PolicyEntry {
  return {
    name: "sglang-cache-aware",
    instances: "edge",
    create(setup) {
      const tree = setup.prefixModel(treeTokens);
      const unseen = new UnseenSends(setup);
      const loadOf = (one: EngineGauges) => one.waiting + one.running + unseen.of(one).requests;
      return {
        route(request) {
          const engines = usableEngines(setup, request);
          const loads = engines.map(loadOf);
          const [least, most] = [Math.min(...loads), Math.max(...loads)];
          const isImbalanced = most - least > balanceAbs && most > balanceRel * least;
          const matchOf = (one: EngineGauges) => tree.matchTokens(one.engine, request);
          const matched = isImbalanced
            ? undefined
            : leastOf(engines, (one) => -matchOf(one), setup.random);
          const isKnown =
            matched !== undefined && matchOf(matched) / request.promptTokens > cacheThreshold;
          const engine = isKnown ? matched : leastOf(engines, loadOf, setup.random);
          if (engine) {
            unseen.add(engine, request, matchOf(engine));
            tree.insert(engine.engine, request);
          }
          return sendTo(engine);
        },
      };
    },
  };
}

export type SglangParams = {
  /** Share of the prompt, 0 to 1, above which the match decides. */
  readonly cacheThreshold?: number;
  /** Imbalanced: the busiest has this many requests more than the least busy, and `balanceRel` times as many. */
  readonly balanceAbs?: number;
  readonly balanceRel?: number;
  /** Tokens remembered per engine (`max_tree_size` in characters, over 4). */
  readonly treeTokens?: number;
};

const CHARS_PER_TOKEN = 4;
