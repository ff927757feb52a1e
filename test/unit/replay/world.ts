/** What no test of a fleet varies: one 70B model `m`, and how its requests are weighed. */
export const WORLD = {
  models: {
    m: {
      params: 70.6e9,
      activeParams: 70.6e9,
      layers: 80,
      attnDim: 8192,
      weightBytes: 141e9,
      kvBytesPerToken: 327_680,
      contextWindow: 131_072,
      template: { order: ["system", "messages"], keepsReasoning: false },
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
