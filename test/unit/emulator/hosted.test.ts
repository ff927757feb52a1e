import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readRateLimits } from "../../../src/engines/load/rate-limits.ts";
import { EmulatedFleet } from "../../support/emulated-fleet.ts";

const API = "h/0";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an emulated hosted API", () => {
  it("tells what is left of its limits, and that it comes back", async () => {
    const fleet = hosted({ limits: { rpm: 60, tpm: 10_000 } });
    const { headers, usage } = await told(fleet.ask(API, chat(1200)));
    const { requests, tokens } = readRateLimits(headers, Date.now());
    // While it was answered some of it came back: sixty a minute are one a second.
    expect(requests).toMatchObject({ limit: 60, remaining: 59 });
    expect(requests.resetMs).toBeLessThan(1000);
    expect(tokens).toMatchObject({ limit: 10_000 });
    expect(tokens.remaining).toBeGreaterThan(10_000 - usage.prompt_tokens);
    expect(tokens.remaining).toBeLessThan(10_000);
    expect(tokens.resetMs).toBeGreaterThan(5000);
    expect(headers.get("x-ratelimit-reset-tokens")).toMatch(/^[\d.]+s$/);
  });

  it.each([
    [{ rpm: 2 }, "RPM", 29],
    [{ tpm: 3000 }, "TPM", 9],
  ])(
    "refuses more than %j a minute, and takes it after the wait it told",
    async (limits, kind, atLeastS) => {
      const fleet = hosted({ limits });
      for (let sent = 0; sent < 2; sent++) void fleet.ask(API, chat(1200));
      await vi.advanceTimersByTimeAsync(1);
      const refused = await fleet.ask(API, chat(1200));
      expect(refused.status).toBe(429);
      const body = (await refused.json()) as { readonly error: { readonly message: string } };
      expect(body.error).toMatchObject({ code: "rate_limit_exceeded" });
      expect(body.error.message).toContain(kind);
      const waitMs = Number(refused.headers.get("retry-after-ms"));
      expect(waitMs).toBeGreaterThan(atLeastS * 1000);
      expect(Number(refused.headers.get("retry-after"))).toBe(Math.ceil(waitMs / 1000));
      await vi.advanceTimersByTimeAsync(waitMs);
      expect((await told(fleet.ask(API, chat(1200)))).status).toBe(200);
      expect((await fleet.ledger(API)).entries).toHaveLength(3);
    },
  );

  it("counts an answer's greatest length where that is more than the prompt", async () => {
    const fleet = hosted({ limits: { tpm: 3000 } });
    expect((await fleet.ask(API, chat(100, { max_tokens: 3001 }))).status).toBe(429);
    expect((await told(fleet.ask(API, chat(100, { max_tokens: 8 })))).status).toBe(200);
  });

  it("takes no more at once than it may", async () => {
    const fleet = hosted({ limits: { concurrency: 1 } });
    const first = fleet.ask(API, chat(1200));
    await vi.advanceTimersByTimeAsync(1);
    expect((await fleet.ask(API, chat(1200))).status).toBe(429);
    await told(first);
    expect((await told(fleet.ask(API, chat(1200)))).status).toBe(200);
  });

  it("can be set to other limits than the mesh believes", async () => {
    const fleet = hosted({ limits: { rpm: 100 } });
    await fleet.admin(API, "settings", { rpm: 1 });
    const { headers } = await told(fleet.ask(API, chat(100)));
    expect(headers.get("x-ratelimit-limit-requests")).toBe("1");
    expect((await fleet.ask(API, chat(100))).status).toBe(429);
  });

  it("caches prompts from 1024 tokens on, in steps of 128, and tells it truly", async () => {
    const fleet = hosted();
    const cachedAfter = async (tokens: number) => {
      await told(fleet.ask(API, chat(tokens)));
      return (await told(fleet.ask(API, chat(tokens)))).usage;
    };
    expect(cachedIn(await cachedAfter(900))).toBe(0);
    const long = await cachedAfter(1500);
    expect(cachedIn(long)).toBeGreaterThanOrEqual(1024);
    expect(cachedIn(long)).toBe(long.prompt_tokens - (long.prompt_tokens % 128));
    const { entries } = await fleet.ledger(API);
    expect(entries.at(-1)?.cachedTokens).toBe(cachedIn(long));
  });

  it("forgets a prompt five minutes after its last use", async () => {
    const fleet = hosted();
    const ask = async () => cachedIn((await told(fleet.ask(API, chat(1500)))).usage);
    expect(await ask()).toBe(0);
    for (let turn = 0; turn < 3; turn++) {
      await vi.advanceTimersByTimeAsync(290_000);
      expect(await ask()).toBeGreaterThan(0);
    }
    await vi.advanceTimersByTimeAsync(301_000);
    expect(await ask()).toBe(0);
  });

  it("keeps to its pool's own rules for that", async () => {
    const fleet = hosted({ cacheTtlS: 10, cacheMinTokens: 256, cacheStepTokens: 64 });
    const ask = async () => cachedIn((await told(fleet.ask(API, chat(300)))).usage);
    await ask();
    expect(await ask()).toBeGreaterThanOrEqual(256);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(await ask()).toBe(0);
  });

  it("shows no metrics", async () => {
    expect((await hosted().get(API, "/metrics")).status).toBe(404);
  });
});

function hosted(more: object = {}): EmulatedFleet {
  const roles = ["prefill", "decode"] as const;
  return new EmulatedFleet({
    h: { dialect: "openai", roles, more: { routed: "itself", ...more } },
  });
}

function chat(tokens: number, more: object = {}): object {
  const messages = [{ role: "user", content: "word".repeat(tokens) }];
  return { model: "small", messages, max_tokens: 8, ...more };
}

type Usage = {
  readonly prompt_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
};

async function told(answering: Promise<Response>) {
  await vi.advanceTimersByTimeAsync(1000);
  const response = await answering;
  const { usage } = (await response.json()) as { readonly usage: Usage };
  return { status: response.status, headers: response.headers, usage };
}

function cachedIn(usage: Usage): number {
  return usage.prompt_tokens_details.cached_tokens;
}
