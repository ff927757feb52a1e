import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { Region } from "../../src/durable/region.ts";
import type { RegionEvent, RegionReserve } from "../../src/rpc/region-messages.ts";
import { fleetOf } from "../../workers/edge/fleet.ts";
import { chainOf } from "./asks.ts";
import { testMesh } from "./test-mesh.ts";

const POOL = "near-ams";
const SOURCE = `${POOL}/0`;
const OTHER = `${POOL}/1`;

describe("a region whose engines can pull from one another", () => {
  it("names whom a granted engine is to pull from, and how much", async () => {
    await withRegion({ pulls: true }, async (region) => {
      await region.warm();
      const grant = await region.granted([SOURCE]);
      expect(grant).toMatchObject({ engine: OTHER, pull: { from: SOURCE, tokens: 50_000 } });
      expect(grant.pull?.ms).toBeGreaterThan(0);
    });
  });

  it("looks for it there no more once nothing came", async () => {
    await withRegion({ pulls: true }, async (region) => {
      await region.warm();
      const { ticket } = await region.granted([SOURCE]);
      await region.report({
        ticket,
        event: "done",
        afterMs: 9000,
        pulled: { share: 0, why: "failed" },
      });
      const next = await region.granted([OTHER]);
      expect(next.engine).toBe(SOURCE);
      expect(next.heldTokens, "it has restarted").toBe(0);
      expect(next.pull?.from, "who computed it has it").toBe(OTHER);
    });
  });

  it("knows it there still where all of it came", async () => {
    await withRegion({ pulls: true }, async (region) => {
      await region.warm();
      const { ticket } = await region.granted([SOURCE]);
      await region.report({ ticket, event: "done", afterMs: 9000, pulled: { share: 0.5 } });
      expect(await region.granted([OTHER])).toMatchObject({ engine: SOURCE, heldTokens: 50_000 });
    });
  });
});

describe("a region whose engines cannot", () => {
  it("grants no pull, and hears of one of another version without harm", async () => {
    await withRegion({ pulls: false }, async (region) => {
      await region.warm();
      const { ticket, pull } = await region.granted([SOURCE]);
      expect(pull).toBeUndefined();
      await region.report({
        ticket,
        event: "done",
        afterMs: 9000,
        pulled: { share: 0, why: "failed" },
      });
      expect(await region.granted([OTHER])).toMatchObject({ engine: SOURCE, heldTokens: 50_000 });
    });
  });
});

let regions = 0;

/** A region of two engines with a link between them, in an object of its own, whose clock is the test's. */
async function withRegion(
  { pulls }: { readonly pulls: boolean },
  use: (region: Driven) => Promise<void>,
): Promise<void> {
  const link = { transport: "rdma", gbps: 400, perFlowGbps: 400, rttMs: 0.1, usdPerGB: 0 };
  const { [POOL]: pool } = testMesh.pools;
  const pools = { ...testMesh.pools, [POOL]: { ...pool, dialect: "llamacpp", kvLayout: "8b" } };
  const links = [{ from: POOL, to: POOL, ...link }];
  const fleet = fleetOf({ ...testMesh, pools, links });
  const object = env.REGIONS.get(env.REGIONS.idFromName(`pulls-${++regions}@1`));
  await runInDurableObject(object, async (_instance, state) => {
    let nowMs = 1_000_000;
    const clock = { now: () => nowMs, wait: () => Promise.resolve() };
    const region = new Region(state, {}, { fleet, clock, pulls: () => pulls });
    await use(new Driven(region, (ms) => (nowMs += ms)));
  });
}

class Driven {
  readonly #region: Region;
  readonly #pass: (ms: number) => void;
  #asks = 0;

  constructor(region: Region, pass: (ms: number) => void) {
    this.#region = region;
    this.#pass = pass;
  }

  /** Has the source compute a prompt whose first half all others share. */
  async warm(): Promise<void> {
    const { ticket } = await this.granted([OTHER]);
    await this.report({ ticket, event: "done", afterMs: 9000 });
  }

  async granted(avoid: readonly string[]) {
    const reply = this.#region.reserve(this.#wanted(avoid));
    if (!reply.ok || reply.answer.kind !== "granted") throw new TypeError("nothing was granted");
    return reply.answer.grant;
  }

  /** Once that much time has passed. */
  async report(event: Omit<RegionEvent, "pool">): Promise<void> {
    this.#pass(event.afterMs + 60_000);
    const reports = { events: [{ ...event, pool: POOL }], renewed: [], running: [] };
    this.#region.report({ v: 1, region: "ams", reports });
  }

  #wanted(avoid: readonly string[]): RegionReserve {
    const own = String.fromCharCode(98 + this.#asks++);
    return {
      v: 1,
      region: "ams",
      wanted: {
        requestId: `r${this.#asks}`,
        leg: "both",
        pool: POOL,
        ask: {
          model: "llama-8b",
          promptTokens: 100_000,
          expectedOutputTokens: 16,
          bodyBytes: 400_000,
          splittable: true,
          remainingTurns: 1,
          tokensPerTurn: 500,
        },
        chain: chainOf(`a${own}`),
        linkTokens: Uint32Array.of(50_000, 100_000),
        held: {},
        avoid,
        handedTokens: 0,
      },
      standing: { tenant: "acme", priority: 1, deadlineInMs: Infinity },
      snapshotAgeMs: 0,
      reports: { events: [], renewed: [], running: [] },
    };
  }
}
