import { convertV4MiniflareOptions, type Json, Log, LogLevel, Miniflare } from "miniflare";
import { bundleWorker } from "../../local/bundle.ts";
import { freePort } from "../../local/ports.ts";

/** Emulated engines over HTTP and nothing else: `url/<pool>/<number>` is an engine. */
export type Emulators = { readonly url: string; stop(): Promise<void> };

/** Starts the engines of a mesh at the speed of real ones. */
export async function startEmulators(mesh: Json): Promise<Emulators> {
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  const [script, port] = await Promise.all([
    bundleWorker(new URL("../../emulator/index.ts", import.meta.url)),
    freePort(HOST, 0),
  ]);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: HOST,
      port: 0,
      log: new Log(LogLevel.WARN),
      telemetry: { enabled: false },
      workers: [
        {
          name: "emulator",
          compatibilityDate: "2026-11-02",
          compatibilityFlags: ["enable_request_signal"],
          modules: [{ type: "ESModule", path: "emulator.mjs", contents: script }],
          bindings: { MESH: mesh, TIME_FACTOR: "1" },
          durableObjects: {
            ENGINES: {
              className: "EmulatedEngine",
              useSQLite: true,
              unsafePreventEviction: true,
            },
          },
          unsafeDirectSockets: [{ host: HOST, port }],
        },
      ],
    }),
  );
  try {
    await miniflare.ready;
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
  return { url: `http://${HOST}:${port}`, stop: () => miniflare.dispose() };
}

const HOST = "127.0.0.1";
