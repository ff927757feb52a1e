import type { Strike } from "./campaign.ts";
import type { Engines } from "./engines.ts";
import { until } from "./until.ts";

/** The victim of a strike that found none. */
export const NOBODY = "nobody";

/** Sets a fault off on the engine that has the most legs of a phase. */
export class EngineStrike implements Strike {
  readonly #engines: Engines;
  readonly #phase: "decode" | "prefill";
  readonly #fault: string;
  readonly #since: number;
  victim = NOBODY;

  constructor(engines: Engines, phase: "decode" | "prefill", fault: string, since: number) {
    this.#engines = engines;
    this.#phase = phase;
    this.#fault = fault;
    this.#since = since;
  }

  /** A restart is felt by what runs at the time: until then the engine is slow, so that something does. */
  async before(): Promise<void> {
    const isOfPhase = ({ startedAt, leg }: { startedAt: number; leg: string }) =>
      startedAt >= this.#since && (leg === "prefill") === (this.#phase === "prefill");
    const busiest = () =>
      this.#engines.busiest(this.#engines.names, isOfPhase).catch(() => undefined);
    // Which prompts are split is the planner's business: none may be, by then.
    this.victim = await until(`a ${this.#phase} leg`, busiest, 1000).catch(() => NOBODY);
    if (this.victim === NOBODY) return;
    if (this.#fault === "restart") await this.#engines.fault(this.victim, "slow", { factor: 5 });
    else await this.#engines.fault(this.victim, this.#fault);
  }

  async during(): Promise<void> {
    if (this.#fault !== "restart" || this.victim === NOBODY) return;
    const isBusy = async () => {
      const { open } = await this.#engines.state(this.victim);
      return open > 0 ? true : undefined;
    };
    await until(`legs on ${this.victim}`, isBusy, 1000).catch(() => {});
    await this.#engines.restart(this.victim);
  }
}
