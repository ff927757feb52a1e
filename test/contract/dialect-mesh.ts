import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { meshFile } from "../support/mesh-file.ts";

/** What of a dialect the suite has to know: everything else it finds out by asking. */
export type Contract = {
  readonly dialect: string;
  /** Its decode engines prefill what they were not handed. */
  readonly prefillsAtDecode: boolean;
  /** Until when blocks that prefill has computed may run out of time: until decode asks for them, or has them; or never. */
  readonly expires: "until-asked" | "until-fetched" | "never";
  /** Its prefill leg is answered when decode has the blocks, rather than when they are computed. */
  readonly isOpenInTransfer: boolean;
  /** Whether the answer shows that its prefill leg failed; a sidecar may go on without a word. */
  readonly tellsPrefill: boolean;
  /** How long its engines keep blocks that nobody comes for, ms. */
  readonly leaseMs: number;
};

export const CONTRACTS: readonly Contract[] = [
  {
    dialect: "vllm-nixl",
    prefillsAtDecode: true,
    expires: "until-asked",
    isOpenInTransfer: false,
    tellsPrefill: true,
    leaseMs: 30_000,
  },
  {
    dialect: "vllm-nixl-push",
    prefillsAtDecode: true,
    expires: "until-asked",
    isOpenInTransfer: false,
    tellsPrefill: true,
    leaseMs: 30_000,
  },
  {
    dialect: "vllm-mooncake",
    prefillsAtDecode: true,
    expires: "until-asked",
    isOpenInTransfer: false,
    tellsPrefill: true,
    leaseMs: 480_000,
  },
  {
    dialect: "vllm-shared-storage",
    prefillsAtDecode: true,
    expires: "never",
    isOpenInTransfer: false,
    tellsPrefill: true,
    leaseMs: 0,
  },
  {
    dialect: "trtllm",
    prefillsAtDecode: true,
    expires: "until-fetched",
    isOpenInTransfer: false,
    tellsPrefill: true,
    leaseMs: 60_000,
  },
  {
    dialect: "trtllm-gen-first",
    prefillsAtDecode: true,
    expires: "until-fetched",
    isOpenInTransfer: false,
    tellsPrefill: true,
    leaseMs: 60_000,
  },
  {
    dialect: "llm-d",
    prefillsAtDecode: true,
    expires: "never",
    isOpenInTransfer: false,
    tellsPrefill: false,
    leaseMs: 30_000,
  },
  {
    dialect: "llamacpp",
    prefillsAtDecode: true,
    expires: "until-asked",
    isOpenInTransfer: false,
    tellsPrefill: true,
    leaseMs: 30_000,
  },
  {
    dialect: "sglang",
    prefillsAtDecode: false,
    expires: "never",
    isOpenInTransfer: true,
    tellsPrefill: true,
    leaseMs: 0,
  },
];

/** Engines of one dialect: those that prefill, those that decode. */
export function enginesOf(dialect: string) {
  return {
    prefill: [`${dialect}-p/0`, `${dialect}-p/1`],
    decode: [`${dialect}-d/0`, `${dialect}-d/1`],
  } as const;
}

/** The model that only engines of this dialect serve. */
export function modelOf(dialect: string): string {
  return `model-${dialect}`;
}

/** A mesh of one region in which each dialect serves a model of its own, with two engines for each phase. */
export function dialectMesh(): MeshFile {
  const { regions, models, links: _links, rules: _rules, ...rest } = meshFile() as unknown as Parts;
  const large = models["llama-3.3-70b"] as object;
  const dialects = CONTRACTS.map(({ dialect }) => dialect);
  return {
    ...rest,
    regions: { iad: regions["iad"] ?? {} },
    models: Object.fromEntries(
      dialects.map((dialect) => [modelOf(dialect), { ...large, aliases: [] }]),
    ),
    pools: Object.fromEntries(
      dialects.flatMap((dialect) => [
        pool(dialect, "prefill", "rubin-cpx"),
        pool(dialect, "decode", "h200"),
      ]),
    ) as unknown as MeshFile["pools"],
    stores: STORES,
    links: dialects.map((dialect) => ({ ...LINK, from: `${dialect}-p`, to: `${dialect}-d` })),
    rules: [],
  };
}

const STORES = {
  flash: {
    tier: "flash",
    bytes: 5e12,
    gbps: 400,
    region: "iad",
    dialects: ["vllm-shared-storage"],
  },
};

type Parts = MeshFile & { readonly models: Record<string, object> };

const LINK = { transport: "rdma", gbps: 400, perFlowGbps: 400, rttMs: 0.1, usdPerGB: 0 };

function pool(dialect: string, role: "prefill" | "decode", device: string) {
  const engines = enginesOf(dialect)[role].map((id) => ({
    id: id.slice(id.lastIndexOf("/") + 1),
    url: `http://127.0.0.1:9100/${id}`,
  }));
  const name = role === "prefill" ? `${dialect}-p` : `${dialect}-d`;
  const members = { model: modelOf(dialect), device, devices: 4, region: "iad", dialect };
  return [
    name,
    { ...members, roles: [role], routed: "us", kvLayout: `${dialect}/bf16`, engines },
  ] as const;
}
