import { describe, expect, it } from "vitest";
import { grant } from "../../../src/core/grant/grant.ts";
import { leaseProbes, probed } from "../../../src/core/grant/probes.ts";
import { failed, firstToken, told } from "../../../src/core/grant/report.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { granted, grantAsk, region } from "./grant-fixtures.ts";

describe("probes", () => {
  it("are given to one caller at a time, a few at once, each engine every five seconds", () => {
    const state = region({ engineCount: 5 });
    const leased = new Map<string, number[]>();
    for (let now = 0; now < 20_000; now += 20) {
      const probes = leaseProbes(state, now);
      expect(probes.length).toBeLessThanOrEqual(2);
      for (const { engine } of probes) leased.set(engine, [...(leased.get(engine) ?? []), now]);
    }
    expect([...leased.keys()].toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `h200/${n}`));
    for (const times of leased.values()) expect(times).toHaveLength(4);
  });

  it("leave out engines that told of their load themselves", () => {
    const state = region();
    const { ticket, engine } = granted(state, grantAsk(), 1000);
    told(state, ticket, { load: { running: 1 }, atMs: 1000 }, 1000);
    const asked = leaseProbes(state, 1100).map((probe) => probe.engine);
    expect(asked).toHaveLength(1);
    expect(asked).not.toContain(engine);
    expect(leaseProbes(state, 6050).map((probe) => probe.engine)).toEqual([engine]);
  });

  it("ask nothing of a fleet that chooses its engines itself", () => {
    expect(leaseProbes(region({ routed: "itself" }), 0)).toEqual([]);
  });

  it("ask nothing of engines that only encode, which nobody is granted", () => {
    const state = region({ roles: ["encode"] });
    expect(state.pools.size).toBe(0);
    expect(leaseProbes(state, 0)).toEqual([]);
  });

  it("count as of when they were answered, and once", () => {
    const state = region({ engineCount: 1 });
    const [probe] = leaseProbes(state, 0);
    if (probe === undefined) throw new TypeError("nothing to probe");
    const heard = { afterMs: 40, load: { running: 3 }, isWell: true };
    expect(probed(state, probe, heard, 200)?.foreign).toMatchObject({ running: 3, at: 40 });
    expect(probed(state, probe, { ...heard, afterMs: 90 }, 210)).toBeUndefined();
    expect(probed(state, { ...probe, ticket: "other" }, heard, 210)).toBeUndefined();
  });
});

describe("a probe that fails", () => {
  const asks = (state: ReturnType<typeof region>, now: number) =>
    grant(state, grantAsk(), now, seededRandom(1)).kind;
  const fail = (state: ReturnType<typeof region>, now: number, isWell = false) => {
    for (const probe of leaseProbes(state, now)) probed(state, probe, { afterMs: 1, isWell }, now);
  };

  it("is no outage, however often", () => {
    const state = region({ engineCount: 1 });
    for (let n = 0; n < 10; n++) fail(state, n * 6000);
    expect(asks(state, 60_000)).toBe("granted");
  });

  it("lets two failed legs in a row open the breaker in place of three", () => {
    const state = region({ engineCount: 1 });
    fail(state, 0);
    failed(state, granted(state, grantAsk(), 10).ticket, 10, "status");
    expect(asks(state, 20)).toBe("granted");
    failed(state, granted(state, grantAsk(), 30).ticket, 30, "status");
    expect(asks(state, 40)).toBe("refused");
  });

  it("is forgotten with the next that does not, or a leg that has its first token", () => {
    for (const recover of ["probe", "leg"]) {
      const state = region({ engineCount: 1 });
      fail(state, 0);
      if (recover === "probe") fail(state, 6000, true);
      else firstToken(state, granted(state, grantAsk(), 6000).ticket, 6000);
      for (const now of [7000, 7001]) {
        failed(state, granted(state, grantAsk(), now).ticket, now, "status");
      }
      expect(asks(state, 7002), recover).toBe("granted");
    }
  });
});
