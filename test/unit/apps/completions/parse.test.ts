import { describe, expect, it } from "vitest";
import { parseCompletion } from "../../../../src/apps/completions/parse.ts";

const parse = (body: object) => parseCompletion(new TextEncoder().encode(JSON.stringify(body)));

function requestOf(members: object) {
  const parsed = parse({ model: "tiny", prompt: "Once", ...members });
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.request;
}

describe("parseCompletion", () => {
  it("keeps the client's bytes for the engines' own path", () => {
    const bytes = new TextEncoder().encode(
      ' {"prompt":"Once", "seed": 18446744073709551615,"model":"m"}',
    );
    const parsed = parseCompletion(bytes);
    expect(parsed.ok && parsed.request).toMatchObject({ path: "/v1/completions", messages: [] });
    expect(parsed.ok && parsed.request.bytes).toBe(bytes);
    expect(parsed.ok && parsed.answer, "engines speak it themselves").toBeUndefined();
  });

  it.each([
    ["Once", ["Once"], false],
    ["", [""], false],
    [[1, 2, 3], [[1, 2, 3]], false],
    [["Once", "Twice"], ["Once", "Twice"], true],
    [["Once"], ["Once"], true],
    [[[1, 2], [3]], [[1, 2], [3]], true],
  ])("reads the prompts of %j", (prompt, prompts, hasListPrompt) => {
    const request = requestOf({ prompt });
    expect(request.prompts).toEqual(prompts);
    expect(request.traits.hasListPrompt).toBe(hasListPrompt);
  });

  it.each([
    {},
    { prompt: null },
    { prompt: 7 },
    { prompt: [] },
    { prompt: [[]] },
    { prompt: ["a", 1] },
    { prompt: [1, "a"] },
    { prompt: [[1], "a"] },
    { prompt: [-1] },
    { prompt: [0.5] },
    { prompt: [[[1]]] },
    { prompt: {} },
  ])("refuses %j by its prompt", (members) => {
    const parsed = parse({ model: "tiny", ...members });
    const param = expect.stringMatching(/^prompt/);
    expect(parsed).toMatchObject({ ok: false, error: { code: "invalid_request", param } });
  });

  it.each([
    ["n", { n: 2 }, { n: 2 }],
    ["best_of", { best_of: 3 }, { hasBestOf: true }],
    ["echo", { echo: true }, { hasEcho: true }],
    ["logprobs", { logprobs: 0 }, { hasLogprobs: true }],
    ["prompt_logprobs", { prompt_logprobs: 1 }, { hasPromptLogprobs: true }],
    ["use_beam_search", { use_beam_search: true }, { hasBeamSearch: true }],
    [
      "nulls",
      { n: null, best_of: null, echo: null, logprobs: null, prompt_logprobs: null },
      { n: 1, hasBestOf: false, hasEcho: false, hasLogprobs: false, hasPromptLogprobs: false },
    ],
  ])("reads what of `%s` decides whether it can be split", (_, members, traits) => {
    expect(requestOf(members).traits).toMatchObject(traits);
  });

  it.each([
    [{}, 16],
    [{ max_tokens: 0, echo: true }, 0],
    [{ max_tokens: 5, n: 2 }, 10],
    [{ max_tokens: 5, n: 2, best_of: 4 }, 20],
    [{ max_tokens: 5, prompt: ["a", "b", "c"], n: 2 }, 30],
    [{ max_tokens: 5, prompt: [1, 2, 3] }, 5],
  ])("expects of %j at most %i tokens, over all that is written", (members, maxTokens) => {
    expect(requestOf(members).maxTokens).toBe(maxTokens);
  });

  it("reads what tells tenants, users and conversations apart", () => {
    const members = { user: "u", cache_salt: "s", prompt_cache_key: "k", service_tier: "flex" };
    expect(requestOf({ ...members, add_special_tokens: false })).toMatchObject({
      user: "u",
      cacheSalt: "s",
      promptCacheKey: "k",
      serviceTier: "flex",
      templateKnobs: { add_special_tokens: false },
    });
  });

  it.each(["n", "best_of", "max_tokens", "stream", "echo", "logprobs"])(
    "refuses a `%s` that is none",
    (param) => {
      const parsed = parse({ model: "tiny", prompt: "Once", [param]: "x" });
      expect(parsed).toMatchObject({ ok: false, error: { code: "invalid_request", param } });
    },
  );
});
