import type { EngineGauges, PolicySetup, ReplayRequest } from "../policy.ts";

/**
 * What this router sent and its view does not show yet: still on its way, or younger than the view. Added to the gauges
 * it makes a router's own bursts visible to itself, as the in-flight counters of real routers do.
 */
export class UnseenSends {
  readonly #setup: PolicySetup;
  readonly #sends: Sent[][];

  constructor(setup: PolicySetup) {
    this.#setup = setup;
    this.#sends = setup.fleet.engines.map(() => []);
  }

  /** A request is being sent; `cachedTokens` of its prompt are expected to be held there, pulled ones included. */
  add(engine: EngineGauges, request: ReplayRequest, cachedTokens: number): void {
    const { fleet } = this.#setup;
    const reachMs = fleet.rttMs(engine.engine, request) / 2;
    this.#sends[engine.engine]?.push({
      shownAt: this.#setup.now() + reachMs + fleet.ageMs,
      promptTokens: request.promptTokens,
      uncachedTokens: Math.max(0, request.promptTokens - cachedTokens),
      prefillMs: engine.speed.prefillMs(request.promptTokens, cachedTokens),
    });
  }

  /** Requests, tokens and milliseconds of prefill to add to an engine's gauges. */
  of({ engine }: EngineGauges): Unseen {
    const sends = this.#sends[engine] ?? [];
    if (sends.length === 0) return NOTHING;
    const now = this.#setup.now();
    // Engines take up what reaches them before anything else arrives at that moment.
    const young = sends.filter((sent) => sent.shownAt > now);
    this.#sends[engine] = young;
    const sum = { requests: young.length, promptTokens: 0, uncachedTokens: 0, prefillMs: 0 };
    for (const sent of young) {
      sum.promptTokens += sent.promptTokens;
      sum.uncachedTokens += sent.uncachedTokens;
      sum.prefillMs += sent.prefillMs;
    }
    return sum;
  }
}

export type Unseen = {
  readonly requests: number;
  readonly promptTokens: number;
  readonly uncachedTokens: number;
  readonly prefillMs: number;
};

type Sent = Omit<Unseen, "requests"> & { readonly shownAt: number };

const NOTHING: Unseen = { requests: 0, promptTokens: 0, uncachedTokens: 0, prefillMs: 0 };
