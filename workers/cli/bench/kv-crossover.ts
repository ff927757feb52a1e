import { builtInDevices } from "../../../src/config/devices.ts";
import type { Model } from "../../../src/core/fleet.ts";
import { crossoverTokens } from "../../../src/core/kv-export/crossover.ts";
import { kvTiers } from "../../../src/core/kv-export/tiers.ts";
import { speedOf } from "../../../src/core/speed.ts";
import { table } from "./table.ts";

/** One model on one device: from how many tokens on its KV cache is brought back rather than computed again. */
export type Crossover = {
  readonly model: string;
  readonly device: string;
  readonly kvBytesPerToken: number;
  /** Tokens that fit a session's rows, and R2. */
  readonly edgeTokens: number;
  readonly objectTokens: number;
  /** By Gb/s; undefined where it never is, for as much as R2 takes. */
  readonly from: readonly { readonly gbps: number; readonly tokens: number | undefined }[];
};

/** The crossover by model and link, by the formulas that exports are decided with. */
export function benchKvExport(): Crossover[] {
  return RUNS.map(([model, device, devices]) => crossover(model, device, devices));
}

export function crossoverText(rows: readonly Crossover[]): string {
  const head = [
    "model",
    "on",
    "KB a token",
    "tokens in a session's rows",
    "in R2",
    ...LINKS.map(speed),
  ];
  return table(
    head,
    rows.map(({ model, device, kvBytesPerToken, edgeTokens, objectTokens, from }) => [
      model,
      device,
      String(Math.round(kvBytesPerToken / 1024)),
      edgeTokens.toLocaleString("en"),
      objectTokens.toLocaleString("en"),
      ...from.map(({ tokens }) => tokens?.toLocaleString("en") ?? "never"),
    ]),
  );
}

function crossover(name: keyof typeof MODELS, deviceName: string, devices: number): Crossover {
  const model = MODELS[name];
  const device = builtInDevices.get(deviceName);
  if (device === undefined) throw new TypeError(`no device class \`${deviceName}\``);
  const shape = { ...model, weightBytes: 2 * model.activeParams } as Model;
  const { prefillMs } = speedOf({ devices }, device, shape);
  const { kvBytesPerToken } = model;
  const objectTokens = Math.floor(kvTiers.object.maxBytes / kvBytesPerToken);
  const runs = { prefillMs: (tokens: number) => prefillMs(tokens, 0), kvBytesPerToken };
  return {
    model: name,
    device: devices === 1 ? deviceName : `${devices} × ${deviceName}`,
    kvBytesPerToken,
    edgeTokens: Math.floor(kvTiers.edge.maxBytes / kvBytesPerToken),
    objectTokens,
    from: LINKS.map((gbps) => {
      const link = { gbps, rttMs: RTT_MS, usdPerGB: 0 };
      return { gbps, tokens: crossoverTokens(runs, link, objectTokens) };
    }),
  };
}

/** Between an engine and its tier. */
const LINKS = [0.1, 1, 10];
const RTT_MS = 30;

function speed(gbps: number): string {
  return gbps < 1 ? `${gbps * 1000} Mb/s` : `${gbps} Gb/s`;
}

/** KV cache in 16 bits, as the models' own cards have their shapes. */
const MODELS = {
  "llama-3.3-70b": { activeParams: 70.6e9, layers: 80, attnDim: 8192, kvBytesPerToken: 327_680 },
  "llama-3.1-8b": { activeParams: 8.03e9, layers: 32, attnDim: 4096, kvBytesPerToken: 131_072 },
  "llama-3.2-1b": { activeParams: 1.24e9, layers: 16, attnDim: 2048, kvBytesPerToken: 32_768 },
  "smollm2-135m": { activeParams: 0.135e9, layers: 30, attnDim: 576, kvBytesPerToken: 23_040 },
} as const;

const RUNS = [
  ["llama-3.3-70b", "h200", 4],
  ["llama-3.1-8b", "h100", 1],
  ["llama-3.1-8b", "apple-silicon", 1],
  ["llama-3.1-8b", "cpu", 1],
  ["llama-3.2-1b", "h100", 1],
  ["llama-3.2-1b", "cpu", 1],
  ["smollm2-135m", "cpu", 1],
] as const;
