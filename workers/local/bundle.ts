import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** One ES module with everything a worker imports, as Miniflare takes it. */
export async function bundleWorker(entry: URL): Promise<string> {
  const result = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    sourcemap: "inline",
    logLevel: "error",
  });
  return result.outputFiles[0]?.text ?? "";
}
