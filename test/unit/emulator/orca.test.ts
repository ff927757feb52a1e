import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readOrca } from "../../../src/engines/load/orca.ts";
import { EmulatedFleet } from "../../support/emulated-fleet.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

it.each(["TEXT", "json"])(
  "engines of vLLM's like tell their load in a header as %s",
  async (format) => {
    const response = await answered("openai", { "endpoint-load-metrics-format": format });
    const header = response.headers.get("endpoint-load-metrics") ?? "";
    expect(header).toMatch(new RegExp(`^${format.toUpperCase()} .*num_requests_waiting.*0\\.0`));
    const load = readOrca(header);
    expect(load.waiting).toBe(0);
    // The other of two requests holds its blocks still.
    expect(load.kvUse).toBeGreaterThan(0.01);
  },
);

it.each([
  ["openai", {}, {}],
  ["openai", { "endpoint-load-metrics-format": "BIN" }, {}],
  ["openai", { "endpoint-load-metrics-format": "TEXT" }, { stream: true }],
  ["sglang", { "endpoint-load-metrics-format": "TEXT" }, {}],
])("%s tells none to %j with %j", async (dialect, headers, more) => {
  const response = await answered(dialect, headers, more);
  expect(response.status).toBe(200);
  expect(response.headers.has("endpoint-load-metrics")).toBe(false);
});

it.each(["vllm-nixl", "llm-d"])("%s tells it too", async (dialect) => {
  const response = await answered(dialect, { "endpoint-load-metrics-format": "TEXT" });
  expect(response.headers.has("endpoint-load-metrics")).toBe(true);
});

/** An answer of an engine that is busy with a longer one. */
async function answered(dialect: string, headers: Record<string, string>, more: object = {}) {
  const fleet = new EmulatedFleet({ e: { dialect, roles: ["prefill", "decode"] } });
  const ask = (max_tokens: number, init: RequestInit = {}) => {
    const messages = [{ role: "user", content: "word".repeat(500) }];
    return fleet.ask("e/0", { model: "small", messages, max_tokens, ...more }, init);
  };
  void ask(1000);
  const answering = ask(4, { headers });
  await vi.advanceTimersByTimeAsync(300);
  return answering;
}
