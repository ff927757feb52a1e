import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { convertV4MiniflareOptions, type Json, Log, LogLevel, Miniflare } from "miniflare";
import type { Driven, Target } from "../../bench/region.ts";
import { ENGINES } from "../../bench/region-asks.ts";
import { bundleWorker } from "../../local/bundle.ts";
import { runtimeCpu } from "./runtime-cpu.ts";
import { syntheticMesh } from "./synthetic-mesh.ts";

/** What one Region object takes of its thread while it grants. */
export type RegionLoad = Driven & {
  readonly engines: number;
  readonly perSecond: number;
  readonly seconds: number;
  /** CPU time of the runtime process over the time passed: with nobody called, an object that thinks of nothing, ours. */
  readonly cpuShare: Readonly<Record<Target, number>>;
};

/** Asks one Region object for grants at a steady rate, for longer than it takes until its next checkpoint. */
export async function benchRegion(seconds = 62, perSecond = 300): Promise<RegionLoad> {
  const { url, cpuMs, stop } = await startRegion();
  const drive = async (target: Target, driven: number) => {
    const asked = `${url}/drive?target=${target}&pool=${POOL}&perSecond=${perSecond}`;
    await fetch(`${asked}&seconds=${WARM_UP_SECONDS}`);
    const [startedAt, before] = [performance.now(), cpuMs()];
    const response = await fetch(`${asked}&seconds=${driven}`);
    if (!response.ok) throw new Error(`the bench worker answered ${await response.text()}`);
    const result = (await response.json()) as Driven;
    return { result, share: (cpuMs() - before) / (performance.now() - startedAt) };
  };
  try {
    const nobody = await drive("nobody", BASELINE_SECONDS);
    const echo = await drive("echo", BASELINE_SECONDS);
    const region = await drive("region", seconds);
    const cpuShare = { nobody: nobody.share, echo: echo.share, region: region.share };
    return { ...region.result, engines: ENGINES, perSecond, seconds, cpuShare };
  } finally {
    await stop();
  }
}

const POOL = "large-alone-0";
const WARM_UP_SECONDS = 5;
const BASELINE_SECONDS = 10;
const HOST = "127.0.0.1";

async function startRegion() {
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  const [script, state] = await Promise.all([
    bundleWorker(new URL("../../bench/region.ts", import.meta.url)),
    mkdtemp(join(tmpdir(), "phaseway-bench-")),
  ]);
  const whole = syntheticMesh(
    { pools: 4, enginesPerPool: ENGINES, models: "one" },
    `http://${HOST}:9`,
  );
  const mesh = { ...whole, pools: { [POOL]: whole.pools[POOL] }, links: [] };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: HOST,
      port: 0,
      log: new Log(LogLevel.WARN),
      telemetry: { enabled: false },
      resourcePersistencePath: state,
      compatibilityDate: "2026-11-02",
      modules: [{ type: "ESModule", path: "region.mjs", contents: script }],
      bindings: { MESH: mesh as unknown as Json },
      durableObjects: {
        REGIONS: { className: "Region", useSQLite: true },
        ECHOS: { className: "Echo", useSQLite: true },
      },
    }),
  );
  const stop = async () => {
    await miniflare.dispose();
    await rm(state, { recursive: true, force: true });
  };
  try {
    const url = (await miniflare.ready).origin;
    return { url, cpuMs: runtimeCpu(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
