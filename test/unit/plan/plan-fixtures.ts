import type { DeviceClass, Engine, Fleet, Link, Model, Pool } from "../../../src/core/fleet.ts";
import type { Ask, EngineView } from "../../../src/core/plan/placement.ts";
import type { PlanInput } from "../../../src/core/plan/plan.ts";
import { speedsOf } from "../../../src/core/plan/speeds.ts";
import { seededRandom } from "../../../src/core/random.ts";

export const MODEL: Model = {
  id: "70b",
  params: 70.6e9,
  activeParams: 70.6e9,
  layers: 80,
  attnDim: 8192,
  weightBytes: 141e9,
  kvBytesPerToken: 327_680,
  contextWindow: 131_072,
  aliases: ["large"],
  defaultOutputTokens: 300,
  template: { order: ["tools", "system", "messages"], keepsReasoning: false },
};

const CPX = device("cpx", { flops: 5e15, mfu: 0.45, bytesPerS: 2e12, usdPerHour: 2.5 });
const H200 = device("h200", { flops: 0.99e15, mfu: 0.5, bytesPerS: 4.8e12, usdPerHour: 4 });

function device(
  name: string,
  figures: { flops: number; mfu: number; bytesPerS: number; usdPerHour: number },
): DeviceClass {
  const { flops, mfu, bytesPerS, usdPerHour } = figures;
  const memory = [{ tier: "hbm" as const, bytes: 141e9, bytesPerS }];
  return { name, status: "shipping", flops, mfu, memory, watts: 700, usdPerHour };
}

/** A pool of the 70B model with some members replaced. */
export function pool(id: string, members: Partial<Pool> & { engineCount?: number } = {}): Pool {
  const { engineCount = 2, ...rest } = members;
  const engines: Engine[] = Array.from({ length: engineCount }, (_, index) => ({
    id: `${id}/${index}`,
    pool: id,
    url: `http://${id}/${index}`,
  }));
  return {
    id,
    model: "70b",
    device: "h200",
    devices: 4,
    region: "iad",
    dialect: "nixl",
    roles: ["prefill", "decode"],
    routed: "us",
    kvLayout: "70b/bf16",
    maxBatch: 32,
    hypothetical: false,
    engines,
    ...rest,
  };
}

/** A link of 400 Gb/s within a site, with some members replaced. */
export function link(from: string, to: string, members: Partial<Link> = {}): Link {
  const speed = { gbps: 400, perFlowGbps: 400, rttMs: 1, usdPerGB: 0 };
  return { from, to, transport: "rdma", ...speed, ...members };
}

/** Prefill devices in use1, linked to engines in iad that do both phases. */
export function fleet(changes: Partial<Fleet> & { poolList?: readonly Pool[] } = {}): Fleet {
  const {
    poolList = [pool("cpx", { device: "cpx", region: "use1", roles: ["prefill"] }), pool("h200")],
    ...rest
  } = changes;
  return {
    version: "test",
    regions: new Map([
      ["use1", { id: "use1", lat: 39, lon: -77.5, jurisdiction: "us" }],
      ["iad", { id: "iad", lat: 38.9, lon: -77.4, jurisdiction: "us" }],
      ["ams", { id: "ams", lat: 52.3, lon: 4.8, jurisdiction: "eu" }],
    ]),
    models: new Map([[MODEL.id, MODEL]]),
    modelNames: new Map([
      ["70b", "70b"],
      ["large", "70b"],
    ]),
    devices: new Map([
      ["cpx", CPX],
      ["h200", H200],
    ]),
    pools: new Map(poolList.map((each) => [each.id, each])),
    links: [link("cpx", "h200")],
    rules: [],
    labels: { mediumFrom: 4096, longFrom: 32_768, ultraFrom: 262_144, smallUpToParams: 9e9 },
    slo: { interactive: { ttftMs: 2000, tpotMs: 50 }, batch: { deadlineMs: 600_000 } },
    prices: {
      valueOfTimeUsdPerS: { interactive: 0.001, batch: 0.00001 },
      missPenaltyUsd: 0.002,
      joulePriceUsd: 0,
    },
    ...rest,
  };
}

/** What a request asks, with some members replaced. */
export function ask(members: Partial<Ask> = {}): Ask {
  return {
    model: "large",
    promptTokens: 20_000,
    expectedOutputTokens: 300,
    bodyBytes: 80_000,
    splittable: true,
    remainingTurns: 5,
    tokensPerTurn: 500,
    ...members,
  };
}

/** An idle, empty, healthy engine with some members replaced. */
export function view(engine: string, members: Partial<EngineView> = {}): EngineView {
  return {
    engine,
    queueMs: 0,
    batch: 0,
    batchTokens: 0,
    heldTokens: 0,
    kvFreeTokens: 1_000_000,
    prefillFactor: 1,
    decodeFactor: 1,
    healthy: true,
    ...members,
  };
}

/** The input of a plan that never explores, with some members replaced. */
export function planInput(
  changes: Partial<PlanInput> & { viewList?: readonly EngineView[] } = {},
): PlanInput {
  const { viewList = [], ...rest } = changes;
  const planned = rest.fleet ?? fleet();
  return {
    fleet: planned,
    speeds: speedsOf(planned),
    labels: {
      phase: "prefill-heavy",
      context: "medium",
      urgency: "interactive",
      size: "large",
      place: "anywhere",
    },
    ask: ask(),
    rttMs: (region) => (region === "ams" ? 90 : 5),
    uploadMsPerMB: 10,
    views: (id) => viewList.filter(({ engine }) => engine.startsWith(`${id}/`)),
    avoid: new Set(),
    capabilities: () => ({ roles: ["prefill", "decode"], order: "serial", prefillsAtDecode: true }),
    random: seededRandom(1),
    exploreRate: 0,
    ...rest,
  };
}
