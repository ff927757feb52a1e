import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Answer, type DrivenEngine, driveEngine } from "./drive-engine.ts";

let engine: DrivenEngine;
beforeAll(async () => {
  engine = await driveEngine();
});
afterAll(() => engine.stop());

const prompts = [2, 3, 4, 10, 61, 130, 511, 512, 513, 514, 900, 1500].map((length, index) =>
  Array.from({ length }, (_, at) => String.fromCharCode(97 + ((at * at + at * index + index) % 26)))
    .join("")
    .slice(0, length),
);
const greedy = (prompt: string, salt: string): object => ({
  prompt,
  max_tokens: 48,
  temperature: 0,
  cache_salt: salt,
});
const textOf = ({ choices }: Answer): string => choices?.[0]?.text ?? "";
const cachedOf = ({ usage }: Answer): number | undefined =>
  usage?.prompt_tokens_details.cached_tokens;

describe("sequences", () => {
  it("give the same greedy answer alone, among others and after a cached prefix", async () => {
    const alone: Answer[] = [];
    for (const prompt of prompts) {
      alone.push(await engine.post("/v1/completions", greedy(prompt, `alone ${prompt.length}`)));
    }
    const among = await Promise.all(
      prompts.map((prompt) => engine.post("/v1/completions", greedy(prompt, "among"))),
    );
    expect(among.map(textOf)).toEqual(alone.map(textOf));

    for (const [index, prompt] of prompts.entries()) {
      const salt = `reuse ${index}`;
      const first = prompt.slice(0, Math.ceil(prompt.length / 3));
      await engine.post("/v1/completions", greedy(first, salt));
      const answer = await engine.post("/v1/completions", greedy(prompt, salt));
      expect(textOf(answer)).toBe(textOf(alone[index] ?? answer));
      expect(cachedOf(answer)).toBeGreaterThanOrEqual(first.length > 0 ? first.length + 1 : 0);
    }
  });

  it("go on after an answer as if it had been read", async () => {
    const first = textOf(await engine.post("/v1/completions", greedy("Say it", "turns")));
    const longer = `Say it${first} and more`;
    const warm = await engine.post("/v1/completions", greedy(longer, "turns"));
    const cold = await engine.post("/v1/completions", greedy(longer, "other"));
    expect(textOf(warm)).toBe(textOf(cold));
    expect([cachedOf(warm), cachedOf(cold)]).toEqual(["<s>Say it".length - 2 + 47, 0]);
  });

  it("are of one tenant: another salt finds nothing", async () => {
    const prompt = "A secret that is asked twice";
    await engine.post("/v1/completions", greedy(prompt, "one"));
    expect(cachedOf(await engine.post("/v1/completions", greedy(prompt, "two")))).toBe(0);
    expect(cachedOf(await engine.post("/v1/completions", greedy(prompt, "one")))).toBe(28);
  });

  it("are freed when the caller leaves, and let those that wait in", async () => {
    const leave = new AbortController();
    const long = { ...greedy("go on", "leave"), max_tokens: 2000 };
    const left = Promise.allSettled(
      Array.from({ length: 5 }, (_, index) =>
        engine.post("/v1/completions", { ...long, prompt: `go on ${index}` }, leave.signal),
      ),
    );
    await vi.waitFor(async () => expect(await engine.metric("num_requests_waiting")).toBe(2));
    expect(await engine.metric("num_requests_running")).toBe(3);
    const waits = engine.post("/v1/completions", greedy("my turn", "waits"));
    leave.abort();
    await left;
    expect(textOf(await waits)).toHaveLength(48);
    await vi.waitFor(async () => expect(await engine.metric("num_requests_running")).toBe(0));
    expect(await engine.metric("num_requests_waiting")).toBe(0);
  });
});
