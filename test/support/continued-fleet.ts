import type { MeshFile } from "../../workers/local/rewrite-engines.ts";
import { meshFile } from "./mesh-file.ts";

/** Engines of each pool. */
const PER_POOL = 4;

/** `pool/number` of every engine of `continuedFleet`. */
export const CONTINUED_ENGINES = [
  "whole",
  "split-p",
  "split-d",
  "meet-p",
  "meet-d",
  "other",
].flatMap((pool) => Array.from({ length: PER_POOL }, (_, number) => `${pool}/${number}`));

/**
 * Engines that take up what others said, for whole requests (`whole`) and split ones (`split`, and SGLang's as `meet`), and
 * of a dialect whose engines may not (`other`).
 */
export function continuedFleet(): MeshFile {
  const { regions, models, links: _links, rules: _rules, ...rest } = meshFile() as unknown as Parts;
  const large = models["llama-3.3-70b"] as object;
  const named = ["whole", "split", "meet", "other"].map((name) => [
    name,
    { ...large, aliases: [] },
  ]);
  return {
    ...rest,
    regions: { iad: regions["iad"] ?? {} },
    models: Object.fromEntries(named) as MeshFile["models"],
    pools: {
      whole: pool("whole", "whole", "vllm-nixl", ["prefill", "decode"]),
      "split-p": pool("split-p", "split", "vllm-nixl", ["prefill"]),
      "split-d": pool("split-d", "split", "vllm-nixl", ["decode"]),
      "meet-p": pool("meet-p", "meet", "sglang", ["prefill"]),
      "meet-d": pool("meet-d", "meet", "sglang", ["decode"]),
      other: pool("other", "other", "openai", ["prefill", "decode"]),
    } as unknown as MeshFile["pools"],
    links: ["split", "meet"].map((model) => ({
      from: `${model}-p`,
      to: `${model}-d`,
      transport: "rdma",
      gbps: 400,
      perFlowGbps: 400,
      rttMs: 0.1,
      usdPerGB: 0,
    })),
    rules: [],
  };
}

type Parts = MeshFile & { readonly models: Record<string, object> };

function pool(name: string, model: string, dialect: string, roles: readonly string[]) {
  const isPrefill = roles.join() === "prefill";
  return {
    model,
    device: isPrefill ? "rubin-cpx" : "h200",
    devices: isPrefill ? 4 : 8,
    region: "iad",
    dialect,
    roles,
    routed: "us",
    kvLayout: `${model}/bf16`,
    engines: Array.from({ length: PER_POOL }, (_, number) => ({
      id: String(number),
      url: `http://127.0.0.1:9100/${name}/${number}`,
      ...(dialect === "sglang" && { bootstrapPort: 9000 + number }),
    })),
  };
}
