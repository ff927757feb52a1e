import type { EngineGauges, PolicySetup, ReplayRequest } from "../policy.ts";

/**
 * Prompt tokens that an engine will hold when a request's turn comes: what the view shows, or what this router sent
 * there before, which may still be waiting to be computed (`--router-predict-on-route` of Dynamo).
 */
export class ExpectedMatch {
  readonly #setup: PolicySetup;
  readonly #sent: ReturnType<PolicySetup["prefixModel"]> | undefined;

  constructor(setup: PolicySetup, predicts: boolean) {
    this.#setup = setup;
    this.#sent = predicts ? setup.prefixModel() : undefined;
  }

  of({ engine }: EngineGauges, request: ReplayRequest): number {
    return Math.max(
      this.#setup.fleet.matchTokens(engine, request),
      this.#sent?.matchTokens(engine, request) ?? 0,
    );
  }

  /** A request is being sent. */
  add({ engine }: EngineGauges, request: ReplayRequest): void {
    this.#sent?.insert(engine, request);
  }
}
