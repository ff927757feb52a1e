import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { meshFile } from "./mesh-file.ts";

/** Dialects whose engines split a request among them. */
export const SPLITTING = [
  "vllm-nixl",
  "vllm-nixl-push",
  "vllm-mooncake",
  "vllm-shared-storage",
  "trtllm",
  "trtllm-gen-first",
  "llm-d",
  "sglang",
] as const;

/** One URL each, behind which somebody else chooses. */
const HOSTED = ["openai", "dynamo", "llm-d"] as const;

/** A mesh of one region in which engines of every dialect serve the same model. */
export function mixedFleet(): MeshFile {
  const { regions, models, links: _links, rules: _rules, ...rest } = meshFile() as unknown as Parts;
  return {
    ...rest,
    regions: { iad: regions["iad"] ?? {} },
    models: { large: { ...(models["llama-3.3-70b"] as object), aliases: [] } },
    pools: Object.fromEntries([
      ...SPLITTING.map((dialect) => [`${dialect}-p`, split(dialect, "prefill")]),
      ...SPLITTING.map((dialect) => [`${dialect}-d`, split(dialect, "decode")]),
      ["own", { ...pool("openai", "own"), roles: BOTH, routed: "us" }],
      ...HOSTED.map((dialect) => [`hosted-${dialect}`, hosted(dialect)]),
    ]) as unknown as MeshFile["pools"],
    stores: {
      flash: {
        tier: "flash",
        bytes: 5e12,
        gbps: 400,
        region: "iad",
        dialects: ["vllm-shared-storage"],
      },
    },
    links: SPLITTING.map((dialect) => ({ ...LINK, from: `${dialect}-p`, to: `${dialect}-d` })),
    rules: [],
  };
}

/** `pool/number` of every engine in it. */
export function mixedEngines(): string[] {
  return Object.keys(mixedFleet().pools).map((name) => `${name}/0`);
}

type Parts = MeshFile & { readonly models: Record<string, object> };

const BOTH = ["prefill", "decode"];
const LINK = { transport: "rdma", gbps: 400, perFlowGbps: 400, rttMs: 0.1, usdPerGB: 0 };

function split(dialect: string, role: "prefill" | "decode") {
  const isPrefill = role === "prefill";
  const name = `${dialect}-${isPrefill ? "p" : "d"}`;
  return {
    ...pool(dialect, name),
    device: isPrefill ? "rubin-cpx" : "h200",
    roles: [role],
    routed: "us",
    kvLayout: `${dialect}/bf16`,
  };
}

function hosted(dialect: string) {
  return {
    ...pool(dialect, `hosted-${dialect}`),
    roles: BOTH,
    routed: "itself",
    perMTok: { in: 0.05, cached: 0.02, out: 0.5 },
  };
}

function pool(dialect: string, name: string) {
  const engines = [{ id: "0", url: `http://127.0.0.1:9100/${name}/0` }];
  return { model: "large", device: "h200", devices: 4, region: "iad", dialect, engines };
}
