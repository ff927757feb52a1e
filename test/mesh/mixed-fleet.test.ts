import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { EngineReport } from "../../src/drive/reconcile.ts";
import type { Conversation } from "../../src/traces/conversation.ts";
import { conversationOf } from "../support/conversations.ts";
import { driveMesh } from "../support/drive-mesh.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { mixedEngines, mixedFleet } from "../support/mixed-fleet.ts";

const started = useMesh({
  mesh: mixedFleet(),
  timeFactor: 0.05,
  turnSettings: { firstTokenTimeoutMs: 2000, firstTokenGraceMs: 1000, idleTimeoutMs: 1000 },
});
let engines: Engines;

beforeAll(async () => {
  engines = new Engines(started.mesh, mixedEngines());
  // Some families tell cached tokens only when they are told to.
  for (const name of engines.names) await engines.settings(name, { usageDetails: true });
});

const FAULTS = [
  "status",
  "429",
  "refuse",
  "cut-midstream",
  "stall-before-first",
  "stall-midstream",
  "load",
  "isolated",
];
/** Every so many engines fail at once. */
const STRIDE = 5;

describe("a fleet of all dialects that serve one model", () => {
  it("fails no request that had no content while engines fail, and accounts for each leg of them all", async () => {
    const { mesh } = started;
    const all = { running: true };
    const trouble = (async () => {
      for (let n = 0; all.running; n += 1) await strike(n);
    })();
    const report = await driveMesh(mesh, {
      model: "large",
      concurrency: 12,
      conversations: conversations(4),
    }).finally(() => (all.running = false));
    await trouble;
    expect(report.failed_before_content).toBe(0);
    expect(report.receipts_missing).toBe(0);
    expect(report.receipts).toBeGreaterThanOrEqual(200);
    const reports = report.reconcile?.engines ?? [];
    expect(reports.filter(({ ok }) => !ok)).toEqual([]);
    const asked = reports.filter(({ legs }) => legs.ledger > 0).map(({ engine }) => engine);
    expect(asked.toSorted()).toEqual(engines.names.toSorted());
    const who = (of: (engine: EngineReport) => number) =>
      reports.filter((engine) => of(engine) > 0).map(({ engine }) => engine);
    expect(who(({ unseen }) => unseen).length, "engines that refused a leg").toBeGreaterThan(5);
    // It cannot be asked alone whether it tells its cached tokens: until it has, its silence says nothing.
    expect(who(({ untold }) => untold).filter((engine) => engine !== "sglang-p/0")).toEqual([]);
    // A sidecar does not tell that decode had to do without its prefill leg.
    expect(who(({ disproved }) => disproved).filter((engine) => engine !== "llm-d-p/0")).toEqual(
      [],
    );
  });
});

const FEWEST = 64;
const MOST = 600;

async function allAsked(): Promise<boolean> {
  const states = await engines.states();
  return states.every(({ entries }) => entries.length > 0);
}

async function strike(n: number): Promise<void> {
  const victims = engines.names.filter((_, at) => at % STRIDE === n % STRIDE);
  await Promise.all(
    victims.map((victim, at) =>
      engines.fault(victim, FAULTS[(n + at) % FAULTS.length] ?? "", { times: 2 }),
    ),
  );
  await sleep(150);
  await Promise.all(victims.map((victim) => engines.fault(victim, "none")));
  if (n % 4 === 3) await engines.restart(victims[n % victims.length] ?? "");
}

/** Chance has a say in who is asked: they go on until every engine was. */
async function* conversations(turns: number): AsyncGenerator<Conversation> {
  for (let n = 0; n < FEWEST || (n < MOST && !(await allAsked())); n += 1)
    yield conversationOf(n, n % 2 === 0 ? 4000 : 200, turns);
}
