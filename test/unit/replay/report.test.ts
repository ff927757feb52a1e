import { describe, expect, it } from "vitest";
import { builtInDevices } from "../../../src/config/devices.ts";
import type { Model } from "../../../src/core/fleet.ts";
import { speedOf } from "../../../src/core/speed.ts";
import { priceKinds } from "../../../src/replay/report/device-prices.ts";
import { atEqualGoodput } from "../../../src/replay/report/equal-goodput.ts";
import { html } from "../../../src/replay/report/html.ts";
import { inventoryOf } from "../../../src/replay/report/inventory.ts";
import { dollars, duration, figure, percent } from "../../../src/replay/report/numbers.ts";
import { procurementRows, procurementText } from "../../../src/replay/report/procurement.ts";
import { followCourse } from "../../../src/replay/report/time-course.ts";
import { Simulation } from "../../../src/replay/simulation.ts";
import { always, fleetOf, policyOf, workloadOf } from "./small-run.ts";

const MODEL: Model = {
  id: "model",
  params: 70e9,
  activeParams: 70e9,
  layers: 80,
  attnDim: 8192,
  weightBytes: 140e9,
  kvBytesPerToken: 327_680,
  contextWindow: 131_072,
  aliases: [],
  defaultOutputTokens: 256,
  template: { order: ["messages"], keepsReasoning: false },
};
const LABELS = {
  labels: { mediumFrom: 4096, longFrom: 32_768, ultraFrom: 262_144, smallUpToParams: 9e9 },
};

describe("the inventory of a trace", () => {
  it("labels each request by what an infinite cache leaves of its prompt", async () => {
    const blocks = Array.from({ length: 50 }, (_, n) => n);
    const workload = await workloadOf([
      { prompt: 5000, output: 100, blocks },
      { prompt: 5001, output: 100, blocks },
      { atMs: 1000, prompt: 300, output: 300 },
    ]);
    const { axes, kinds, sharing } = inventoryOf(workload, LABELS, MODEL);
    const said = (axis: string) =>
      axes.filter((one) => one.axis === axis).map(({ value, requests }) => [value, requests]);
    expect(said("phase")).toEqual([
      ["prefill-heavy", 1],
      ["balanced", 1],
      ["decode-heavy", 1],
    ]);
    expect(said("context")).toEqual([
      ["short", 1],
      ["medium", 2],
    ]);
    expect(said("size")).toEqual([["large", 3]]);
    expect(axes.find(({ value }) => value === "decode-heavy")?.cachedTokens).toBe(5000);
    expect(kinds.flatMap(({ requests }) => requests).toSorted()).toEqual([0, 1, 2]);
    expect(sharing).toMatchObject({ isKnown: true, findMost: 1 / 3, mostCommon: 2 / 3 });
  });

  it("tells bursts from chance, and sessions that wait for answers", async () => {
    const rows = [0, 0, 0, 3000, 3000, 3000, 6000].map((atMs) => ({ atMs, prompt: 100 }));
    const { arrivals } = inventoryOf(await workloadOf(rows), LABELS, MODEL);
    expect(arrivals).toMatchObject({ arrivals: 7, moments: 3, mostAtOnce: 3, spanS: 6 });
    expect(arrivals.gapVariation).toBeGreaterThan(1);
    expect(arrivals.thinkS).toBeUndefined();
    const turns = await workloadOf([{ prompt: 100, later: [{ prompt: 200, thinkMs: 4000 }] }]);
    expect(inventoryOf(turns, LABELS, MODEL).arrivals).toMatchObject({
      arrivals: 1,
      turnsPerSession: 2,
      thinkS: 4,
    });
  });
});

describe("what a kind of request costs on a device class", () => {
  it("is the planner's own time at the device's rent, and the cheapest that keeps the objective is named", async () => {
    const workload = await workloadOf([{ prompt: 8000, output: 101 }]);
    const { kinds } = inventoryOf(workload, LABELS, MODEL);
    const devices = ["h200", "cpu", "tpu-ironwood"].flatMap(
      (name) => builtInDevices.get(name) ?? [],
    );
    const [priced] = priceKinds(kinds, {
      workload,
      cachedTokens: new Int32Array(1),
      model: MODEL,
      devices,
      slo: { ttftMs: 2000, tpotMs: 50 },
      sizes: new Map([["h200", 4]]),
    });
    const [h200, cpu] = priced?.prices ?? [];
    const speed = speedOf({ devices: 4 }, builtInDevices.get("h200")!, MODEL);
    expect(h200?.prefillMs).toBeCloseTo(speed.prefillMs(8000, 0), 9);
    expect(h200?.prefillUsd).toBeCloseTo(speed.prefillMs(8000, 0) * speed.usdPerMs, 12);
    const { batch = 0, tokenMs = 0 } = h200 ?? {};
    expect(h200?.decodeUsd).toBeCloseTo((100 * tokenMs * speed.usdPerMs) / batch, 12);
    expect(cpu).toMatchObject({ keepsTtft: false, keepsTpot: false });
    expect(["h200", "tpu-ironwood"]).toContain(priced?.both?.device.name);
  });
});

describe("the time course", () => {
  it("adds up to the run's busy time, and to what its requests waited", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => ({ atMs: i * 70, prompt: 900, output: 20 }));
    const run = new Simulation(await workloadOf(rows), fleetOf(2), always({ engine: 0 }), {
      seed: 1,
      edges: 1,
      staleMs: 0,
    });
    const courseOf = followCourse(run);
    run.run();
    const { stepMs, busy, waiting, ttftMs } = courseOf();
    const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
    const busyMs = sum(run.fleet.engines.map((engine) => engine.busyMs));
    expect(busyMs).toBeGreaterThan(1000);
    expect(sum(busy) * stepMs * 2).toBeCloseTo(busyMs, 6);
    const { firstTokenAt, arrivedAt } = run.outcomes;
    const waited = [...firstTokenAt].map((at, i) => at - (arrivedAt[i] ?? 0));
    expect(sum(waiting) * stepMs).toBeCloseTo(sum(waited), 6);
    expect(ttftMs[0]).toBeCloseTo(waited[0] ?? NaN, 6);
    expect(busy.length).toBeLessThanOrEqual(200);
    expect(Math.max(...busy)).toBeLessThanOrEqual(0.5 + 1e-9);
  });
});

describe("cost at equal goodput", () => {
  const inTurn = () => {
    let next = 0;
    return policyOf(() => ({
      route: () => ({ kind: "send", engine: next++ % 2 }),
    }));
  };
  const given = async (kind: Partial<Parameters<typeof atEqualGoodput>[0]> = {}) => {
    const rows = Array.from({ length: 300 }, (_, i) => ({ atMs: i * 100, prompt: 2990 }));
    const options = { edges: 1, staleMs: 0 };
    const workload = await workloadOf(rows);
    const setup = fleetOf(2, { decodes: false });
    return { fleet: "two", setup, workload, policy: inTurn(), options, sloShare: 0.9, ...kind };
  };

  it("is found where the objectives just hold", async () => {
    // A prompt takes 309 ms, so two engines take 6.5 a second; with the last of them waiting up to a second.
    const found = atEqualGoodput(await given());
    expect(found.usdPerHour).toBeCloseTo(7200, 6);
    expect(found.at?.isUnfilled).toBe(false);
    expect(found.at?.summary.goodput).toBeGreaterThan(5.5);
    expect(found.at?.summary.goodput).toBeLessThan(6.6);
    const { goodput = 0 } = found.at?.summary ?? {};
    expect(found.at?.usdPerThousandGood).toBeCloseTo(2000 / goodput, 6);
  });

  it("is not there where no rate is slow enough", async () => {
    const rows = Array.from({ length: 20 }, (_, i) => ({ atMs: i * 100, prompt: 12_000 }));
    const found = atEqualGoodput(await given({ workload: await workloadOf(rows) }));
    expect(found.at).toBeUndefined();
    expect(procurementText([found])).toContain("never");
  });

  it("counts how many of each fleet the first one's goodput takes", async () => {
    const two = atEqualGoodput(await given());
    const four = atEqualGoodput(
      await given({ fleet: "more", setup: fleetOf(4, { decodes: false }) }),
    );
    const [first, second] = procurementRows([two, four]);
    expect(first).toMatchObject({ fleets: 1, isCheapest: true });
    // Half of the larger fleet never gets a request: as many dollars again for the same.
    expect(second?.fleets).toBeCloseTo(1, 1);
    expect(second?.usdPerHourForSame).toBeGreaterThan(1.8 * (first?.usdPerHourForSame ?? 0));
  });
});

describe("the words of a page", () => {
  it("escape what is put in", () => {
    expect(html`<b>${"<i>&\"'"}</b>${html`<u>${1}</u>`}${false}`.text).toBe(
      "<b>&lt;i&gt;&amp;&quot;&#39;</b><u>1</u>",
    );
  });

  it("have units that read well", () => {
    expect([0.52, 640, 1234, 150_000].map(duration)).toEqual([
      "0.52 ms",
      "640 ms",
      "1.23 s",
      "2.5 min",
    ]);
    expect([0, 0.00042, 0.173, 1234].map(dollars)).toEqual(["$0", "$0.00042", "$0.17", "$1,234"]);
    expect([0.034, 0.5].map(percent)).toEqual(["3.4 %", "50 %"]);
    expect([12_035, 1.2e8, NaN].map(figure)).toEqual(["12,035", "120 M", "–"]);
  });
});
