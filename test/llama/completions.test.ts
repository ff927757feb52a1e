import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type DrivenEngine, driveEngine } from "./drive-engine.ts";

let engine: DrivenEngine;
beforeAll(async () => {
  engine = await driveEngine();
});
afterAll(() => engine.stop());

const textOf = ({ choices }: Answer): string | undefined =>
  choices?.[0]?.text ?? choices?.[0]?.message?.content;

describe("a completion", () => {
  const greedy = { prompt: "Once upon a time", max_tokens: 40, temperature: 0 };

  it("says in a stream what it says as a whole, in chats and in texts", async () => {
    const whole = await engine.post("/v1/completions", greedy);
    const streamed = await engine.stream("/v1/completions", greedy);
    expect(textOf(whole)).toHaveLength(40);
    expect(streamed.pieces.join("")).toBe(textOf(whole));

    const chat = { messages: [{ role: "user", content: "Hello" }], max_tokens: 20, temperature: 0 };
    const said = await engine.stream("/v1/chat/completions", chat);
    expect(said.pieces.join("")).toBe(textOf(await engine.post("/v1/chat/completions", chat)));
    expect(said.pieces.length).toBeGreaterThan(1);
  });

  it("counts its tokens, in a stream when it was asked to", async () => {
    const { usage } = await engine.stream("/v1/completions", {
      ...greedy,
      stream_options: { include_usage: true },
    });
    expect(usage).toMatchObject({ prompt_tokens: 17, completion_tokens: 40, total_tokens: 57 });
  });

  it("ends before a stop string, also one of several tokens, and sends nothing of it", async () => {
    const whole = textOf(await engine.post("/v1/completions", greedy)) ?? "";
    const stop = whole.slice(20, 23);
    const expected = whole.slice(0, whole.indexOf(stop));
    const stopped = await engine.post("/v1/completions", { ...greedy, stop: [stop, "€"] });
    expect(textOf(stopped)).toBe(expected);
    expect(stopped.choices?.[0]?.finish_reason).toBe("stop");
    const { pieces } = await engine.stream("/v1/completions", { ...greedy, stop });
    expect(pieces.join("")).toBe(expected);
  });

  it("says the same again with the same seed and something else with another", async () => {
    const warm = { ...greedy, temperature: 1.5, seed: 7 };
    const first = textOf(await engine.post("/v1/completions", warm));
    expect(textOf(await engine.post("/v1/completions", warm))).toBe(first);
    expect(textOf(await engine.post("/v1/completions", { ...warm, seed: 8 }))).not.toBe(first);
  });

  it("takes only the likeliest token when top_p is next to nothing", async () => {
    const narrow = { ...greedy, temperature: 1.5, top_p: 0.0001, seed: 7 };
    const likeliest = textOf(await engine.post("/v1/completions", greedy));
    expect(textOf(await engine.post("/v1/completions", narrow))).toBe(likeliest);
  });

  it("goes on in the last message when it is asked to", async () => {
    const chat = { max_tokens: 12, temperature: 0 };
    const user = { role: "user", content: "Tell me" };
    const whole = textOf(await engine.post("/v1/chat/completions", { ...chat, messages: [user] }));
    const begun = { role: "assistant", content: whole?.slice(0, 5) ?? "" };
    const rest = await engine.post("/v1/chat/completions", {
      ...chat,
      messages: [user, begun],
      continue_final_message: true,
      add_generation_prompt: false,
    });
    expect(textOf(rest)?.startsWith(whole?.slice(5) ?? "?")).toBe(true);
  });

  it("keeps to a JSON schema", async () => {
    const schema = {
      type: "object",
      properties: { kind: { enum: ["cat", "dog"] }, old: { type: "boolean" } },
    };
    const answer = await engine.post("/v1/chat/completions", {
      messages: [{ role: "user", content: "Which animal?" }],
      max_tokens: 200,
      temperature: 0,
      response_format: { type: "json_schema", json_schema: { name: "animal", schema } },
    });
    const said: unknown = JSON.parse(textOf(answer) ?? "");
    expect(said).toEqual({
      kind: expect.stringMatching(/^(cat|dog)$/),
      old: expect.any(Boolean),
    });
    expect(answer.choices?.[0]?.finish_reason).toBe("stop");
  });

  it("sends no half characters", async () => {
    const { pieces } = await engine.stream("/v1/completions", {
      ...greedy,
      max_tokens: 60,
      grammar: 'root ::= "a€😀ü"+',
    });
    expect(pieces.join("")).toMatch(/^(a€😀ü)+/);
    expect(pieces.slice(0, -1).join("")).not.toContain("\uFFFD");
  });

  it("begins with the tokens that /tokenize gives", async () => {
    const { tokens } = await engine.post("/tokenize", { prompt: greedy.prompt });
    expect(tokens).toHaveLength(17);
    const ids = await engine.post("/v1/completions", { ...greedy, prompt: tokens });
    expect(textOf(ids)).toBe(textOf(await engine.post("/v1/completions", greedy)));
  });
});
