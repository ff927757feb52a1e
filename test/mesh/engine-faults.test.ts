import { beforeAll, describe, expect, it } from "vitest";
import { campaign, expectHonest, failedOn, type Strike } from "../support/campaign.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { until } from "../support/until.ts";

const TIME_FACTOR = 0.1;
/** What a decode engine never fetched stays at its prefill engine until the lease ends: emulated 30 s. */
const QUIET_MS = 30_000 * TIME_FACTOR + 1000;

const started = useMesh({
  timeFactor: TIME_FACTOR,
  turnSettings: { keepAliveMs: 200, firstTokenTimeoutMs: 1500, idleTimeoutMs: 1000 },
});
let engines: Engines;

beforeAll(() => {
  engines = new Engines(started.mesh, engineNames());
});

describe("while 50 streams run, the busiest engine", () => {
  it.each([
    ["decode", "refuse"],
    ["decode", "status"],
    ["decode", "429"],
    ["decode", "stall-before-first"],
    ["decode", "stall-midstream"],
    ["decode", "cut-midstream"],
    ["decode", "restart"],
    ["prefill", "refuse"],
    ["prefill", "stall-before-first"],
    ["prefill", "restart"],
  ] as const)(
    "of %s may meet `%s` and no request that had no content fails",
    async (phase, fault) => {
      let struck = 0;
      // Chance has a say in where requests go: now and then none that runs meets the fault.
      for (let tries = 0; struck === 0 && tries < 6; tries += 1) {
        const strike = new EngineStrike(phase, fault, Date.now());
        const outcomes = await campaign(started.mesh, { edge: 1 }, strike);
        if (strike.victim !== NOBODY) await engines.fault(strike.victim, "none");
        expectHonest(outcomes);
        await engines.noneOpen();
        struck = failedOn(outcomes, strike.victim).length;
      }
      expect(struck, "legs the fault ended").toBeGreaterThan(0);
    },
  );

  it("leaves no blocks held anywhere in the end", async () => {
    await engines.quiet(QUIET_MS);
  });
});

const NOBODY = "nobody";

class EngineStrike implements Strike {
  readonly #phase: "decode" | "prefill";
  readonly #fault: string;
  readonly #since: number;
  victim = NOBODY;

  constructor(phase: "decode" | "prefill", fault: string, since: number) {
    this.#phase = phase;
    this.#fault = fault;
    this.#since = since;
  }

  /** A restart is felt by what runs at the time: until then the engine is slow, so that something does. */
  async before(): Promise<void> {
    const isOfPhase = ({ startedAt, leg }: { startedAt: number; leg: string }) =>
      startedAt >= this.#since && (leg === "prefill") === (this.#phase === "prefill");
    const busiest = () => engines.busiest(engines.names, isOfPhase).catch(() => undefined);
    // Which prompts are split is the planner's business: none may be, by then.
    this.victim = await until(`a ${this.#phase} leg`, busiest, 1000).catch(() => NOBODY);
    if (this.victim === NOBODY) return;
    if (this.#fault === "restart") await engines.fault(this.victim, "slow", { factor: 5 });
    else await engines.fault(this.victim, this.#fault);
  }

  async during(): Promise<void> {
    if (this.#fault !== "restart" || this.victim === NOBODY) return;
    const isBusy = async () => {
      const { open } = await engines.state(this.victim);
      return open > 0 ? true : undefined;
    };
    await until(`legs on ${this.victim}`, isBusy, 1000).catch(() => {});
    await engines.restart(this.victim);
  }
}
