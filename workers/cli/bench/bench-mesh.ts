import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, type Json, Log, LogLevel, Miniflare } from "miniflare";
import type { BenchCounts } from "../../bench/counts.ts";
import { bundleWorker } from "../../local/bundle.ts";
import { freePort } from "../../local/ports.ts";
import { startFixedEngine } from "./fixed-engine.ts";
import { runtimeCpu } from "./runtime-cpu.ts";

/** One edge with its objects behind a direct socket, as it is deployed: one script, no emulated distances. */
export type BenchMesh = {
  readonly url: string;
  readonly engineUrl: string;
  counts(): Promise<BenchCounts>;
  /** CPU time of the whole runtime process so far, ms. */
  cpuMs(): number;
  stop(): Promise<void>;
};

/** Starts a mesh whose engines are all the fixed one; `meshOf` gets its URL. */
export async function startBenchMesh(meshOf: (engineUrl: string) => unknown): Promise<BenchMesh> {
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  const engine = await startFixedEngine();
  const [script, port, state] = await Promise.all([
    bundleWorker(new URL("../../bench/edge.ts", import.meta.url)),
    freePort(HOST, 0),
    mkdtemp(join(tmpdir(), "phaseway-bench-")),
  ]);
  const objects = {
    SESSIONS: { className: "Session", useSQLite: true },
    RECEIPTS: { className: "Receipts", useSQLite: true },
    ONCE: { className: "Once", useSQLite: true },
    REGIONS: { className: "Region", useSQLite: true },
    FLEETS: { className: "Fleet", useSQLite: true },
  };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: HOST,
      port: 0,
      log: new Log(LogLevel.WARN),
      telemetry: { enabled: false },
      resourcePersistencePath: state,
      workers: [
        {
          name: "edge",
          compatibilityDate: "2026-11-02",
          compatibilityFlags: ["enable_request_signal"],
          modules: [{ type: "ESModule", path: "edge.mjs", contents: script }],
          bindings: bindingsFor(meshOf(engine.url) as Json, engine.url),
          durableObjects: objects,
          unsafeDirectSockets: [{ host: HOST, port }],
        },
      ],
    }),
  );
  const stop = async () => {
    await miniflare.dispose();
    await engine.stop();
    await rm(state, { recursive: true, force: true });
  };
  const url = `http://${HOST}:${port}`;
  try {
    await miniflare.ready;
    const healthz = await fetch(`${url}/healthz`);
    if (healthz.status !== 200) throw new Error(`the mesh is not well: ${await healthz.text()}`);
    return {
      url,
      engineUrl: engine.url,
      counts: async () => (await (await fetch(`${url}/bench/counts`)).json()) as BenchCounts,
      cpuMs: runtimeCpu(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export const BENCH_KEY = "sk-bench";

const HOST = "127.0.0.1";

function bindingsFor(mesh: Json, engineUrl: string): Record<string, Json> {
  const sha256 = createHash("sha256").update(BENCH_KEY).digest("hex");
  return {
    MESH: mesh,
    EDGE: "edge",
    ENGINE_URL: engineUrl,
    PHASEWAY_KEYS: JSON.stringify([{ tenant: "bench", sha256 }]),
    PHASEWAY_SECRET: createHash("sha256").update("a bench has no secrets").digest("hex"),
  };
}
