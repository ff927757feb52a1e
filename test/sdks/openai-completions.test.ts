import type OpenAI from "openai";
import { beforeAll, describe, expect, it } from "vitest";
import { useMesh } from "../support/local-mesh.ts";
import { openaiAt, receiptOf } from "./openai-client.ts";

const started = useMesh();
let client: OpenAI;

beforeAll(() => {
  client = openaiAt(started.mesh);
});

const question = { model: "small", prompt: "Once upon a time", max_tokens: 8 };

describe("text completions of the OpenAI SDK", () => {
  it("come whole, with their usage and a receipt", async () => {
    const { data, response } = await client.completions.create(question).withResponse();
    expect(data.object).toBe("text_completion");
    expect(data.choices[0]?.text).toBeTruthy();
    expect(data.usage?.completion_tokens).toBe(8);
    const receipt = await receiptOf(started.mesh, response.headers);
    expect(receipt).toMatchObject({ status: "completed", outputTokens: 8 });
    expect(receipt.promptTokens).toBe(data.usage?.prompt_tokens);
  });

  it("say in a stream what they say whole", async () => {
    const whole = await client.completions.create(question);
    let text = "";
    const finishes = [];
    for await (const chunk of await client.completions.create({ ...question, stream: true })) {
      text += chunk.choices[0]?.text ?? "";
      if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason);
    }
    expect(text).toBe(whole.choices[0]?.text);
    expect(finishes).toEqual(["length"]);
  });

  it("answer each prompt of a list, in order, n times, at one engine", async () => {
    const prompt = ["Once upon a time", "There was"];
    const request = { ...question, prompt, n: 2 };
    const { data, response } = await client.completions.create(request).withResponse();
    expect(data.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const alone = await client.completions.create(question);
    expect(data.choices[0]?.text).toBe(alone.choices[0]?.text);
    expect((await receiptOf(started.mesh, response.headers)).mode).toBe("together");
  });

  it("are split where their prompt is long, cold and plain, and say the same together", async () => {
    const lines = Array.from({ length: 12_000 }, (_, n) => `line ${n} of a log`).join("\n");
    const ask = async (prompt: string | string[], more: object = {}) => {
      const request = { model: "large", max_tokens: 8, prompt, ...more };
      const { data, response } = await client.completions.create(request).withResponse();
      const { mode } = await receiptOf(started.mesh, response.headers);
      return { mode, text: data.choices[0]?.text };
    };
    const split = await ask(`plain\n${lines}`);
    expect(split.mode).toBe("disaggregated");
    expect(await ask(`plain\n${lines}`)).toEqual({ ...split, mode: "together" });
    const together = [
      await ask(`echoed\n${lines}`, { echo: true }),
      await ask(`twice\n${lines}`, { n: 2 }),
      await ask(`best\n${lines}`, { best_of: 2 }),
      await ask([`listed\n${lines}`]),
    ];
    expect(together.map(({ mode }) => mode)).toEqual(Array.from({ length: 4 }, () => "together"));
    expect((await ask(`also plain\n${lines}`)).mode).toBe("disaggregated");
  });

  it("take prompts of tokens", async () => {
    const one = await client.completions.create({ ...question, prompt: [1, 2, 3] });
    expect(one.usage?.prompt_tokens).toBe(3);
    const many = await client.completions.create({ ...question, prompt: [[1, 2, 3], [4]] });
    expect(many.usage?.prompt_tokens).toBe(4);
    expect(many.choices[0]?.text).toBe(one.choices[0]?.text);
  });

  it("find their prefix where it was computed, of text and of tokens", async () => {
    const text = Array.from({ length: 3000 }, (_, n) => `word${n}`).join(" ");
    const tokens = Array.from({ length: 6000 }, (_, n) => 7 * n);
    for (const prompts of [
      (n: number) => `${text}${" and on".repeat(n)}`,
      (n: number) => [...tokens, ...Array.from({ length: 3 * n }, (_, at) => at)],
    ]) {
      const shares: number[] = [];
      // On a busy machine an engine may look too slow to go back to.
      for (let n = 0; n < 6 && !shares.some((share) => share > 0.9); n += 1) {
        const { response } = await client.completions
          .create({ ...question, prompt: prompts(n) })
          .withResponse();
        const { actual, promptTokens } = await receiptOf(started.mesh, response.headers);
        shares.push((actual.cachedTokens ?? 0) / promptTokens);
      }
      expect(Math.max(...shares)).toBeGreaterThan(0.9);
    }
  });
});
