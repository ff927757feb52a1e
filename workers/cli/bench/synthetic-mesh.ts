import { parseMesh } from "../../../src/config/parse.ts";
import type { Fleet } from "../../../src/core/fleet.ts";
import { dialects } from "../../../src/engines/registry.ts";

export type World = {
  readonly pools: number;
  readonly enginesPerPool: number;
  /** `one` gives every pool the same model, which is the most that a plan can have to weigh. */
  readonly models?: "several" | "one";
};

/**
 * A made-up mesh. In each metropolis of two large models the same: prefill devices, two pools linked to them that
 * decode, and one that stands alone; and two pools of a small model.
 */
export function syntheticMesh({ pools: count, enginesPerPool, models }: World, engineUrl: string) {
  const kinds = models === "one" ? LARGE_KINDS : ALL_KINDS;
  const metros = Math.ceil(count / kinds.length);
  const regions: Record<string, unknown> = {};
  const pools: Record<string, unknown> = {};
  const links: unknown[] = [];
  for (let n = 0; n < count; n++) {
    const metro = Math.floor(n / kinds.length);
    const { kind, from, ...members } = kinds[n % kinds.length] ?? fail();
    const region = `metro${metro}`;
    regions[region] ??= placeOf(metro, metros);
    const id = `${kind}-${metro}`;
    const own = engines(`${engineUrl}/${id}`, enginesPerPool);
    pools[id] = { ...members, region, routed: "us", engines: own };
    if (from !== undefined) links.push({ ...RDMA, from: `${from}-${metro}`, to: id });
  }
  const rules = [{ when: { urgency: "batch" }, prefer: ["large-alone-0"] }];
  const served = kinds.slice(0, count).map(({ model }) => String(model));
  return { ...worldOf(served), rules, regions, pools, links };
}

/** The fleet of such a mesh. */
export function syntheticFleet(world: World): Fleet {
  const parsed = parseMesh(syntheticMesh(world, "http://127.0.0.1:9100"), dialects);
  if (parsed.ok) return parsed.fleet;
  throw new TypeError(parsed.problems.map(({ path, problem }) => `${path}: ${problem}`).join("\n"));
}

type Kind = { readonly kind: string; readonly from?: string; readonly [member: string]: unknown };

const BOTH = ["prefill", "decode"];
const RDMA = { transport: "rdma", gbps: 400, perFlowGbps: 100, rttMs: 1, usdPerGB: 0 };
const LARGE_KINDS = kindsOf("large", "large-70b");
const ALL_KINDS = [...LARGE_KINDS, ...kindsOf("other", "other-70b"), small("h100"), small("h200")];

function kindsOf(name: string, model: string): Kind[] {
  const linked = { model, dialect: "vllm-nixl", kvLayout: `${model}/bf16`, devices: 4 };
  const from = `${name}-prefill`;
  return [
    { kind: from, ...linked, device: "rubin-cpx", roles: ["prefill"] },
    { kind: `${name}-decode-a`, from, ...linked, device: "h200", roles: BOTH },
    { kind: `${name}-decode-b`, from, ...linked, device: "b200", roles: BOTH },
    { kind: `${name}-alone`, model, dialect: "openai", device: "h200", devices: 4, roles: BOTH },
  ];
}

function small(device: string): Kind {
  const common = { model: "small-8b", dialect: "openai", devices: 1, kvTokens: 4_000_000 };
  return { kind: `small-${device}`, ...common, device, roles: BOTH };
}

function fail(): never {
  throw new TypeError("a mesh needs pools");
}

const TEMPLATE = { order: ["tools", "system", "messages"], keepsReasoning: false };

const LARGE_MODEL = {
  params: 70.6e9,
  activeParams: 70.6e9,
  layers: 80,
  attnDim: 8192,
  weightBytes: 141e9,
  kvBytesPerToken: 327_680,
  contextWindow: 131_072,
  template: TEMPLATE,
};

/** What no bench varies: models, and how their requests are weighed. */
const WORLD = {
  models: {
    "large-70b": LARGE_MODEL,
    "other-70b": LARGE_MODEL,
    "small-8b": {
      params: 8e9,
      activeParams: 8e9,
      layers: 32,
      attnDim: 4096,
      weightBytes: 16e9,
      kvBytesPerToken: 131_072,
      contextWindow: 1_048_576,
      template: TEMPLATE,
    },
  },
  labels: {
    context: { mediumFrom: 4096, longFrom: 32_768, ultraFrom: 262_144 },
    smallUpToParams: 9e9,
  },
  slo: { interactive: { ttftMs: 2000, tpotMs: 50 }, batch: { deadlineMs: 600_000 } },
  prices: {
    valueOfTimeUsdPerS: { interactive: 0.001, batch: 0.00001 },
    missPenaltyUsd: 0.002,
    joulePriceUsd: 0,
  },
};

/** What no bench varies, with these models only: one that no pool serves would be a mistake. */
export function worldOf(served: readonly string[]) {
  const models = Object.entries(WORLD.models).filter(([id]) => served.includes(id));
  return { ...WORLD, models: Object.fromEntries(models) };
}

/** Spread round the world, between 50° south and 60° north. */
function placeOf(metro: number, metros: number) {
  return { lat: -50 + ((metro * 37) % 110), lon: -180 + (metro * 360) / metros };
}

function engines(url: string, count: number) {
  return Array.from({ length: count }, (_, n) => ({ id: String(n), url: `${url}/${n}` }));
}
