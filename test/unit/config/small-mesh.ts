import { parseMesh } from "../../../src/config/parse.ts";
import type { Problem } from "../../../src/config/problem.ts";
import { dialects } from "../../../src/engines/registry.ts";

/** A small mesh without mistakes, fresh and typed loosely so that tests can break it anywhere. */
export function smallMesh() {
  const both = ["prefill", "decode"];
  const large = { model: "llama-70b", dialect: "vllm-nixl", routed: "us", kvLayout: "70b/bf16" };
  const small = { model: "llama-8b", dialect: "openai", routed: "us", roles: both };
  return {
    regions: {
      use1: { lat: 39, lon: -77.5, jurisdiction: "us" },
      iad: { lat: 38.94, lon: -77.46, jurisdiction: "us" },
      ams: { lat: 52.31, lon: 4.76, jurisdiction: "eu" },
    },
    models: {
      "llama-70b": model({ params: 70.6e9, layers: 80, weightBytes: 141e9, aliases: ["large"] }),
      "llama-8b": model({ params: 8e9, layers: 32, weightBytes: 16e9, aliases: ["small"] }),
    },
    pools: {
      cpx: at("use1", "rubin-cpx", 4, { ...large, roles: ["prefill"], engines: engines("cpx") }),
      h200: at("iad", "h200", 4, { ...large, roles: both, engines: engines("h200") }),
      groq: at("iad", "groq-lpu", 192, { ...small, engines: engines("groq") }),
    },
    links: [link({ from: "cpx", to: "h200" })],
    rules: [{ when: { urgency: "batch" }, prefer: ["h200"] }],
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
}

/** An RDMA link of 1 ms with some members replaced. */
export function link(members: Record<string, unknown>) {
  const rdma = { transport: "rdma", gbps: 400, perFlowGbps: 100, rttMs: 1, usdPerGB: 0 };
  return { ...rdma, ...members };
}

/** The problems of the small mesh with parts put in by dotted path (`/`-separated, as names hold dots). */
export function problemsWith(changes: Record<string, unknown>): Problem[] {
  const mesh = smallMesh();
  for (const [path, value] of Object.entries(changes)) put(mesh, path.split("/"), value);
  const parsed = parseMesh(mesh, dialects);
  return parsed.ok ? [] : parsed.problems;
}

/** Where the problems are. */
export function pathsWith(changes: Record<string, unknown>): string[] {
  return problemsWith(changes).map(({ path }) => path);
}

function put(target: object, [head = "", ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    if (value === undefined) Reflect.deleteProperty(target, head);
    else Reflect.set(target, head, value);
    return;
  }
  const next: unknown = Reflect.get(target, head);
  if (typeof next !== "object" || next === null) throw new TypeError(`nothing at \`${head}\``);
  put(next, rest, value);
}

function engines(pool: string) {
  return ["0", "1"].map((id) => ({ id, url: `http://127.0.0.1:9100/${pool}/${id}` }));
}

function model(members: { params: number; [name: string]: unknown }) {
  return {
    activeParams: members.params,
    attnDim: 8192,
    kvBytesPerToken: 327_680,
    contextWindow: 131_072,
    template: { order: ["tools", "system", "messages"], keepsReasoning: false },
    ...members,
  };
}

function at(region: string, device: string, devices: number, members: Record<string, unknown>) {
  return { region, device, devices, ...members };
}
