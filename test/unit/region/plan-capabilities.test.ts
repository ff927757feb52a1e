import { describe, expect, it } from "vitest";
import { planCapabilities } from "../../../src/region/plan-capabilities.ts";

const ANSWER = '{"choices":[],"nvext":{"worker_id":{"decode_worker_id":7}},"prompt_token_ids":[1]}';
const said = (dialect: string, request: string) =>
  planCapabilities(dialect).forClient(new TextEncoder().encode(request))(ANSWER);

describe("what only we asked an engine for", () => {
  it.each([
    ["dynamo", '{"choices":[],"prompt_token_ids":[1]}'],
    ["trtllm", '{"choices":[],"nvext":{"worker_id":{"decode_worker_id":7}}}'],
    ["trtllm-gen-first", '{"choices":[],"nvext":{"worker_id":{"decode_worker_id":7}}}'],
    ["openai", ANSWER],
  ])("is not for the client, by dialect: %s", (dialect, expected) => {
    expect(said(dialect, "{}")).toBe(expected);
  });

  it("is for a client who asked as well", () => {
    expect(said("dynamo", '{"nvext":{"extra_fields":["worker_id"]}}')).toBe(ANSWER);
  });
});
