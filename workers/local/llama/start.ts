import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { MeshFile } from "../rewrite-engines.ts";
import { DECODE, llamaMesh, PREFILL } from "./mesh.ts";
import { type LlamaEngine, startEngines } from "./processes.ts";
import { shapeOf } from "./shape.ts";

/** Says what keeps llama.cpp engines from being started with the file at `path`, a line for each problem. */
export function llamaProblems(path: string): string[] {
  const file = resolve(path);
  return [
    ...(existsSync(INSTALLED)
      ? []
      : ["llama.cpp is not installed. Install it once with: node setup.mjs workers/llama"]),
    ...(existsSync(file) ? [] : [`There is no file ${file}. Give a model in GGUF: --llama FILE`]),
  ];
}

const INSTALLED = fileURLToPath(
  new URL("../../llama/node_modules/node-llama-cpp", import.meta.url),
);

/**
 * Two engines of llama.cpp that prefill and two that decode, of so many threads each, and `mesh` with these in place of
 * its own.
 */
export async function startLlama(
  path: string,
  mesh: MeshFile,
  threads: Threads = threadsOf(availableParallelism()),
): Promise<LlamaMesh> {
  const order = (name: string, count: number) => ({
    name,
    options: ["--threads", String(count)],
  });
  const engines = await startEngines(resolve(path), [
    ...[0, 1].map((n) => order(`${PREFILL}/${n}`, threads.prefill)),
    ...[0, 1].map((n) => order(`${DECODE}/${n}`, threads.decode)),
  ]);
  const urlsOf = (pool: string) =>
    engines.filter(({ name }) => name.startsWith(`${pool}/`)).map(({ url }) => url);
  const shape = await shapeOf(engines[0]?.url ?? "");
  const pools = {
    prefill: { urls: urlsOf(PREFILL), threads: threads.prefill },
    decode: { urls: urlsOf(DECODE), threads: threads.decode },
  };
  return { engines, mesh: llamaMesh(mesh, shape, pools) };
}

/** Of one engine of each phase. */
export type Threads = { readonly prefill: number; readonly decode: number };

export type LlamaMesh = { readonly engines: readonly LlamaEngine[]; readonly mesh: MeshFile };

/**
 * Threads of one engine for each phase, of two each: a core for every thread, as threads of llama.cpp spin while they
 * wait. Decode waits for memory anyway, and leaves most of them to prefill.
 */
export function threadsOf(cores: number): Threads {
  const decode = Math.max(1, Math.floor(cores / 6));
  return { prefill: Math.max(1, Math.floor(cores / 2) - decode), decode };
}
