import { describe, expect, it } from "vitest";
import { parseChat } from "../../../src/apps/chat/parse.ts";
import { rawMember } from "../../../src/core/json-members.ts";
import { dialects } from "../../../src/engines/registry.ts";

/** Whether an answer to that request may go on elsewhere, for engines of that dialect. */
function mayContinue(name: string, more: object = {}): boolean {
  const messages = [{ role: "user", content: "Hi" }];
  const bytes = new TextEncoder().encode(JSON.stringify({ model: "m", messages, ...more }));
  const parsed = parseChat(bytes);
  if (!parsed.ok) throw new TypeError(parsed.error.message);
  const { path, traits } = parsed.request;
  return (
    dialects.get(name)?.canContinue({ path, traits, raw: (one) => rawMember(bytes, [one]) }) ??
    false
  );
}

describe("an answer that broke off", () => {
  it("may go on at engines that know how, unless their pool says otherwise", () => {
    const usual = [...dialects.values()].filter((one) => one.continues && mayContinue(one.name));
    expect(usual.map(({ name }) => name).toSorted()).toEqual([
      "llamacpp",
      "llm-d",
      "sglang",
      "vllm-mooncake",
      "vllm-nixl",
      "vllm-nixl-push",
      "vllm-shared-storage",
    ]);
    const told = [...dialects.values()].filter((one) => !one.continues && mayContinue(one.name));
    expect(told.map(({ name }) => name)).toEqual(["openai"]);
  });

  it.each([
    {},
    { tools: [{ type: "function", function: { name: "f" } }], tool_choice: "auto" },
    { response_format: { type: "text" }, stop: null, n: 1 },
    { temperature: 0.7, seed: 1, logit_bias: { "5": 1 } },
  ])("may go on for %j", (more) => {
    expect(mayContinue("vllm-nixl", more)).toBe(true);
  });

  it.each([
    { n: 2 },
    { best_of: 2 },
    { use_beam_search: true },
    { logprobs: true },
    { prompt_logprobs: 1 },
    { echo: true },
    { response_format: { type: "json_object" } },
    { structured_outputs: { choice: ["a"] } },
    { guided_regex: "a+" },
    { ebnf: "root ::= 'a'" },
    { tool_choice: "required" },
    { tool_choice: { type: "function", function: { name: "f" } } },
    { reasoning_effort: "high" },
    { include_reasoning: false },
    { stop: ["\n"] },
    { continue_final_message: true, add_generation_prompt: false },
  ])("may not for %j", (more) => {
    expect(mayContinue("vllm-nixl", more)).toBe(false);
  });
});
