import { describe, expect, it } from "vitest";
import { plan } from "../../../src/core/plan/plan.ts";
import { ask, MODEL, planInput } from "./plan-fixtures.ts";

describe("a request that is no chat", () => {
  it("goes to no engine that serves chats only", () => {
    const input = planInput();
    const capabilities = (dialect: string) => ({
      ...input.capabilities(dialect),
      isChatOnly: true,
    });
    const plain = plan({ ...input, capabilities, ask: ask({ isPlain: true }) });
    expect(plain).toMatchObject({ placements: [], refusals: { "chat-only": 2 } });
    expect(plan({ ...input, capabilities }).placements).not.toEqual([]);
  });

  it("fits the context window when its longest prompt does", () => {
    const promptTokens = 4 * MODEL.contextWindow;
    const fits = planInput({ ask: ask({ promptTokens, longestTokens: 1000 }) });
    expect(plan(fits).placements).not.toEqual([]);
    const longestTokens = 2 * MODEL.contextWindow;
    const over = planInput({ ask: ask({ promptTokens, longestTokens }) });
    expect(plan(over).refusals).toMatchObject({ "context-window": 2 });
  });
});
