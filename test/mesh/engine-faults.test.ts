import { beforeAll, describe, expect, it } from "vitest";
import { campaign, expectHonest, failedOn } from "../support/campaign.ts";
import { EngineStrike, NOBODY } from "../support/engine-strike.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";

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
        const strike = new EngineStrike(engines, phase, fault, Date.now());
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
