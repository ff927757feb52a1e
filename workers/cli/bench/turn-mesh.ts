import { worldOf } from "./synthetic-mesh.ts";

/** A small mesh in which every turn runs in the mode that is to be counted. */
export function splittingMesh(engineUrl: string, mode: "together" | "disaggregated") {
  const pool = {
    model: "large-70b",
    dialect: "vllm-nixl",
    kvLayout: "70b/bf16",
    routed: "us",
    region: "use1",
    kvTokens: 100_000_000,
  };
  const engines = (name: string) =>
    ["0", "1"].map((id) => ({ id, url: `${engineUrl}/${name}/${id}` }));
  const speed = { transport: "rdma", gbps: 400, perFlowGbps: 100, rttMs: 1, usdPerGB: 0 };
  return {
    ...worldOf(["large-70b", "small-8b"]),
    // A second region, on another continent, has regions tell each other's edges of themselves.
    regions: { use1: { lat: 39, lon: -77.5 }, euw1: { lat: 53.3, lon: -6.3 } },
    // An engine that all but cannot prefill leaves that to others.
    devices: { decoder: { ...DECODER, flops: mode === "disaggregated" ? 1e12 : 1e15 } },
    pools: {
      elsewhere: {
        ...pool,
        model: "small-8b",
        kvLayout: "8b/bf16",
        region: "euw1",
        device: "h100",
        roles: ["prefill", "decode"],
        engines: engines("elsewhere"),
      },
      ...(mode === "disaggregated" && {
        prefill: {
          ...pool,
          device: "rubin-cpx",
          devices: 4,
          roles: ["prefill"],
          engines: engines("prefill"),
        },
      }),
      decode: {
        ...pool,
        device: "decoder",
        devices: 4,
        roles: ["prefill", "decode"],
        engines: engines("decode"),
      },
    },
    links: mode === "disaggregated" ? [{ ...speed, from: "prefill", to: "decode" }] : [],
  };
}

const DECODER = {
  status: "hypothetical",
  mfu: 0.5,
  memory: [{ tier: "hbm", bytes: 141e9, bytesPerS: 4.8e12 }],
  watts: 700,
  usdPerHour: 4,
};
