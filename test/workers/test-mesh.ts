/** A mesh of one small and one large model, with engines that nobody runs. */
export const testMesh = {
  regions: {
    ams: { lat: 52.31, lon: 4.76, jurisdiction: "eu" },
    iad: { lat: 38.94, lon: -77.46, jurisdiction: "us" },
  },
  models: {
    "llama-70b": model({ params: 70.6e9, weightBytes: 141e9, contextWindow: 2048 }, "large"),
    "llama-8b": model({ params: 8e9, weightBytes: 16e9 }, "small"),
  },
  pools: {
    "near-ams": pool("llama-8b", "ams", ["0", "1"]),
    "far-iad": pool("llama-8b", "iad", ["0"]),
    "big-iad": pool("llama-70b", "iad", ["0"]),
  },
  links: [],
  rules: [],
  labels: {
    context: { mediumFrom: 4096, longFrom: 32768, ultraFrom: 262144 },
    smallUpToParams: 9e9,
  },
  slo: { interactive: { ttftMs: 2000, tpotMs: 50 }, batch: { deadlineMs: 600_000 } },
  prices: {
    valueOfTimeUsdPerS: { interactive: 0.001, batch: 0.00001 },
    missPenaltyUsd: 0.002,
    joulePriceUsd: 0,
  },
};

function model(members: Record<string, unknown> & { params: number }, alias: string) {
  return {
    activeParams: members.params,
    layers: 32,
    attnDim: 4096,
    kvBytesPerToken: 131_072,
    contextWindow: 131_072,
    template: { order: ["tools", "system", "messages"], keepsReasoning: false },
    aliases: [alias],
    ...members,
  };
}

function pool(model: string, region: string, engines: readonly string[]) {
  return {
    model,
    device: "h200",
    devices: 4,
    region,
    dialect: "openai",
    roles: ["prefill", "decode"],
    routed: "us",
    engines: engines.map((id) => ({
      id,
      url: `https://${region}.engines.internal/${model}/${id}`,
      apiKeySecret: "ENGINE_KEY",
    })),
  };
}
