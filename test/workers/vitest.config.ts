import { fileURLToPath } from "node:url";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const here = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig({
  root: here,
  cacheDir: `${here}../../node_modules/.vite/workers`,
  plugins: [cloudflareTest({ wrangler: { configPath: `${here}wrangler.toml` } })],
  test: {
    name: "workers",
    include: ["*.test.ts"],
    // itty-durable's entry is CommonJS that requires ES modules; only a bundle of it loads.
    deps: { optimizer: { ssr: { enabled: true, include: ["itty-durable"] } } },
  },
});
