import { builtInDevices } from "../../../src/config/devices.ts";
import type { MeshFile } from "../rewrite-engines.ts";
import type { ModelShape } from "./shape.ts";

/** Where each phase of a llama.cpp mesh runs: engines' URLs, and the threads that one of them computes with. */
export type LlamaPool = { readonly urls: readonly string[]; readonly threads: number };

/**
 * `mesh` with one model, which is what llama.cpp engines serve, and with no other engines. It takes every name that the
 * models before had, so that whoever asked for one is answered.
 */
export function llamaMesh(
  mesh: MeshFile,
  shape: ModelShape,
  { prefill, decode }: { readonly prefill: LlamaPool; readonly decode: LlamaPool },
): MeshFile {
  return {
    ...mesh,
    devices: { [PREFILL]: deviceOf(prefill.threads), [DECODE]: deviceOf(decode.threads) },
    models: {
      [MODEL]: { ...shape.model, aliases: namesIn(mesh), template: TEMPLATE },
    },
    pools: {
      [PREFILL]: { ...poolOf(shape, prefill), device: PREFILL, roles: ["prefill"] },
      [DECODE]: {
        ...poolOf(shape, decode),
        device: DECODE,
        roles: ["prefill", "decode"],
        bidirectional: true,
      },
    },
    links: [
      [PREFILL, DECODE],
      // Between engines of one pool, and back, cached prefixes are pulled.
      [PREFILL, PREFILL],
      [DECODE, DECODE],
      [DECODE, PREFILL],
    ].map(([from = "", to = ""]) => ({
      from,
      to,
      transport: "tcp",
      gbps: LOOPBACK_GBPS,
      perFlowGbps: LOOPBACK_GBPS,
      rttMs: 0.1,
      usdPerGB: 0,
    })),
    rules: [],
  };
}

/** What the model is called in a local mesh. */
export const MODEL = "llama";
/** Its pools, each of a device class of the same name. */
export const PREFILL = "llama-p";
export const DECODE = "llama-d";

/** Saved to a file, sent from one process to another, checked and loaded: half of it where it was measured, with 2 MB. */
const LOOPBACK_GBPS = 1;
const REGION = "iad";
const TEMPLATE = { order: ["tools", "system", "messages"], keepsReasoning: false };

function poolOf({ name, kvTokens, sequences }: ModelShape, { urls }: LlamaPool) {
  return {
    model: MODEL,
    modelName: name,
    region: REGION,
    dialect: "llamacpp",
    routed: "us",
    kvLayout: MODEL,
    kvTokens,
    maxBatch: sequences,
    engines: urls.map((url, n) => ({ id: String(n), url })),
  };
}

/** A share of the built-in class `cpu` by threads. What this machine really does is not known before it has done it. */
function deviceOf(threads: number) {
  const cpu = builtInDevices.get("cpu");
  const [memory] = cpu?.memory ?? [];
  if (cpu === undefined || memory === undefined) throw new TypeError("there is a class `cpu`");
  const share = threads / CPU_THREADS;
  return {
    status: cpu.status,
    flops: cpu.flops * share,
    mfu: cpu.mfu,
    memory: [{ ...memory, bytesPerS: memory.bytesPerS * Math.min(1, share * 2) }],
    watts: cpu.watts * share,
    usdPerHour: cpu.usdPerHour * share,
    source: `the built-in class \`cpu\`, ${threads} of ${CPU_THREADS} threads of it: an assumption`,
  };
}

/** Of the built-in class; half of them use all of its memory's bandwidth. */
const CPU_THREADS = 16;

/** Every name by which a client may have asked for a model. */
function namesIn({ models }: MeshFile): string[] {
  const all = models as Readonly<Record<string, { readonly aliases?: readonly string[] }>>;
  return Object.entries(all).flatMap(([id, { aliases = [] }]) => [id, ...aliases]);
}
