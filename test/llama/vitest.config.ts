import { defineConfig } from "vitest/config";

// Not among the projects of `npm test`: these need llama.cpp, which is large and installed for those who want it.
export default defineConfig({
  test: {
    name: "llama",
    environment: "node",
    include: ["test/llama/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
