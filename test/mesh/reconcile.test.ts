import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { EngineReport } from "../../src/drive/reconcile.ts";
import { conversations } from "../support/conversations.ts";
import { ask, receiptOf, words } from "../support/ask.ts";
import { driveMesh } from "../support/drive-mesh.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";

const started = useMesh({
  timeFactor: 0.05,
  turnSettings: { firstTokenTimeoutMs: 1000, idleTimeoutMs: 700 },
});
let engines: Engines;

beforeAll(() => {
  engines = new Engines(started.mesh, engineNames());
});

const FAULTS = [
  "status",
  "429",
  "refuse",
  "cut-midstream",
  "stall-before-first",
  "stall-midstream",
];

describe("receipts and ledgers", () => {
  it("agree exactly, engine by engine, over 120 requests with faults", async () => {
    const { mesh } = started;
    const all = { running: true };
    const trouble = (async () => {
      for (let n = 0; all.running; n += 1) {
        const victim = VICTIMS[n % VICTIMS.length] ?? "";
        const fault = FAULTS[n % FAULTS.length] ?? "";
        await engines.fault(victim, fault, { times: 2 });
        await sleep(100);
        await engines.fault(victim, "none");
        if (n % 4 === 3) await engines.restart(victim);
      }
    })();
    const report = await driveMesh(mesh, {
      model: "large",
      concurrency: 8,
      conversations: conversations(30, 4),
    }).finally(() => (all.running = false));
    await trouble;
    expect(report.receipts_missing).toBe(0);
    expect(report.receipts).toBeGreaterThanOrEqual(100);
    expect(report.reconcile?.engines.filter(({ ok }) => !ok)).toEqual([]);
    const sum = (of: (engine: EngineReport) => number) =>
      report.reconcile?.engines.reduce((total, engine) => total + of(engine), 0);
    expect(sum(({ legs }) => legs.ledger)).toBeGreaterThan(100);
    expect(
      sum(({ unheard, untold, disproved }) => unheard + untold + disproved),
      "legs of which receipts know less than ledgers",
    ).toBe(0);
    expect(
      sum(({ unseen }) => unseen),
      "legs that an engine refused",
    ).toBeGreaterThan(0);
  });

  it("claim nothing cached or computed where engines do not tell", async () => {
    const { mesh } = started;
    for (const name of engines.names) await engines.settings(name, { usageDetails: false });
    const prompts = [80, 80, 6000, 6000].map((count, n) => words(`mute${n % 2}c${count}w`, count));
    for (const content of prompts) {
      // An edge that has not seen them tell: a server's flags change only while it is away.
      const seen = await ask(mesh, { edge: 0, messages: [{ role: "user", content }] });
      const { segments, work } = await receiptOf(mesh, seen, 0);
      const prefilled = segments.filter(({ phase }) => phase === "prefill");
      expect(prefilled.map(({ kv }) => kv)).toEqual(["unknown"]);
      expect(work.filter((leg) => leg.cachedTokens !== undefined)).toEqual([]);
      expect(work.filter((leg) => leg.computedTokens !== undefined)).toEqual([]);
    }
  });
});

/** The engines of the large model that the asked edge uses most. */
const VICTIMS = ["h200-iad/0", "cpx-use1/0", "h200-use1/1", "h200-iad/1", "cpx-use1/1"];
