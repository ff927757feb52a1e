import type { EngineGauges, PolicyEntry, PolicySetup, ReplayRequest } from "../policy.ts";
import { leastOf, sendTo, usableEngines } from "./choose.ts";
import { ExpectedMatch } from "./expected-match.ts";
import { predictedTtftMs } from "./predicted-ttft.ts";
import { UnseenSends } from "./unseen.ts";

/**
 * Mooncake's cache-aware and cache-balancing scheduling (FAST'25 §5, "global cache-aware" of Fig. 5; arXiv 2407.00079,
 * Algorithm 1): where another engine holds more of the prompt, each engine is also costed with fetching that first.
 * The paper does not give its threshold; with 1 every longer prefix counts.
 */
export function mooncakeGlobal(params: MooncakeGlobalParams = {}): PolicyEntry {
  const { balancingThreshold = 1, pullsOnlyWhenCheaper = true } = params;
  const { rejectTtftMs = Infinity, nearTie = 0, predicts = true } = params;
  return {
    name: "mooncake-global",
    instances: "edge",
    create(setup) {
      const unseen = new UnseenSends(setup);
      const match = new ExpectedMatch(setup, predicts);
      return {
        route(request) {
          const engines = usableEngines(setup, request);
          // What is not computed yet cannot be fetched.
          const heldBy = (one: EngineGauges) => setup.fleet.matchTokens(one.engine, request);
          const richest = leastOf(engines, (one) => -heldBy(one), setup.random);
          const offers = engines.map((one): Offer => {
            const held = match.of(one, request);
            const own = {
              ttftMs: predictedTtftMs(setup, unseen, one, request, held),
              cached: held,
              from: undefined,
            };
            if (!richest || heldBy(richest) <= held * balancingThreshold) return own;
            const pulled = pulledOffer(setup, unseen, one, request, richest, {
              own: held,
              theirs: heldBy(richest),
            });
            const takesIt = pullsOnlyWhenCheaper
              ? pulled.ttftMs < own.ttftMs
              : pulled.ttftMs < Infinity;
            return takesIt ? pulled : own;
          });
          const costOf = (_: EngineGauges, at: number) => offers[at]?.ttftMs ?? Infinity;
          const engine = leastOf(engines, costOf, setup.random, nearTie);
          const offer = engine && offers[engines.indexOf(engine)];
          if (!engine || !offer) return sendTo(undefined);
          if (offer.ttftMs > rejectTtftMs) return { kind: "refuse", reason: "TTFT over SLO" };
          unseen.add(engine, request, offer.cached);
          match.add(engine, request);
          const send = { kind: "send", engine: engine.engine } as const;
          return offer.from === undefined
            ? send
            : { ...send, pull: { from: offer.from, tokens: offer.cached } };
        },
      };
    },
  };
}

export type MooncakeGlobalParams = {
  /** `kvcache_balancing_threshold`: a prefix is fetched when it is more than this many times one's own. */
  readonly balancingThreshold?: number;
  /** Algorithm 1 fetches whenever the threshold says so; here only if it also saves time, unless told. */
  readonly pullsOnlyWhenCheaper?: boolean;
  /** Requests predicted to wait longer for their first token are refused, ms; none unless told. */
  readonly rejectTtftMs?: number;
  /** Share above the lowest predicted TTFT that counts as equal: a router's own remedy for stale views. */
  readonly nearTie?: number;
  /** Counts what it sent as held before it is computed; true unless told. */
  readonly predicts?: boolean;
};

type Offer = {
  readonly ttftMs: number;
  readonly cached: number;
  readonly from: number | undefined;
};

function pulledOffer(
  setup: PolicySetup,
  unseen: UnseenSends,
  engine: EngineGauges,
  request: ReplayRequest,
  from: EngineGauges,
  held: { readonly own: number; readonly theirs: number },
): Offer {
  const pullMs = setup.fleet.pullMs(from.engine, engine.engine, held.theirs - held.own);
  const ttftMs = predictedTtftMs(setup, unseen, engine, request, held.theirs) + pullMs;
  return { ttftMs, cached: held.theirs, from: from.engine };
}
