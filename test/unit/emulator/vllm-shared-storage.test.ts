import { describe, expect, it, vi } from "vitest";
import { EmulatedFleet, type EmulatedPool } from "../../support/emulated-fleet.ts";
import {
  chat,
  DECODE,
  IDLE,
  PREFILL,
  requestId,
  textOf,
  whole,
  withFakeTime,
} from "./vllm-fixtures.ts";

withFakeTime();

const dialect = "vllm-shared-storage";
const LAYOUT = { kvLayout: "small/bf16" };
/** What the mesh sends to prefill, and to decode the first time. */
const TO_PREFILL = chat({ max_tokens: 1, cache_hit_threshold: 0 });
const HALF = chat({ cache_hit_threshold: 0.5 });

describe("an emulated vLLM engine with a shared store", () => {
  it("declines at once when it and the store hold too little of the prompt", async () => {
    const fleet = sharing();
    const declined = await whole(fleet.ask(DECODE, HALF), 10);
    expect(declined.status).toBe(200);
    expect(declined.body.choices[0]).toMatchObject({
      finish_reason: "cache_threshold",
      message: { content: "" },
    });
    expect(await fleet.ledger(DECODE)).toMatchObject({
      ...IDLE,
      entries: [{ leg: "decode", computedTokens: 0, outputTokens: 0, reportedUsage: false }],
    });
  });

  it("enters as a decode leg what it declined before, and as both what nobody asked it about", async () => {
    const fleet = sharing();
    const asked = requestId("asked");
    await whole(fleet.ask(DECODE, HALF, asked), 10);
    await fleet.admin(DECODE, "restart");
    await whole(fleet.ask(DECODE, chat({ cache_hit_threshold: 0 }), asked));
    await whole(fleet.ask(DECODE, chat({ cache_hit_threshold: 0 }), requestId("other")));
    const { entries } = await fleet.ledger(DECODE);
    expect(entries.map(({ leg }) => leg)).toEqual(["decode", "decode", "both"]);
  });

  it("declines a stream with a role and then an empty chunk that says so", async () => {
    const answering = sharing().ask(DECODE, { ...HALF, stream: true });
    await vi.advanceTimersByTimeAsync(10);
    const frames = (await (await answering).text()).split("\n\n").filter((one) => one !== "");
    expect(frames).toHaveLength(3);
    expect(frames[0]).toContain('"role":"assistant"');
    expect(frames[1]).toMatch(/"delta":\{\}.*"finish_reason":"cache_threshold"/);
    expect(frames[2]).toBe("data: [DONE]");
  });

  it("loads what another has prefilled, and says what that one alone would", async () => {
    const fleet = sharing();
    const alone = await whole(fleet.ask("other/0", chat()));
    await whole(fleet.ask(PREFILL, TO_PREFILL));
    const decode = await whole(fleet.ask(DECODE, HALF));
    expect(textOf(decode)).toBe(textOf(alone));
    const [entry] = (await fleet.ledger(DECODE)).entries;
    const loaded = entry?.pulledTokens ?? 0;
    expect(loaded).toBeGreaterThan(980);
    expect(entry).toMatchObject({ cachedTokens: 0, computedTokens: 1005 - loaded });
    expect(decode.body.usage.prompt_tokens_details).toEqual({ cached_tokens: loaded });
  });

  it("answers for prefill when its blocks are in the store, and not before", async () => {
    const fleet = sharing({ gbps: 0.008 });
    const answered = vi.fn();
    void fleet.ask(PREFILL, TO_PREFILL).then(answered);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(answered).not.toHaveBeenCalled();
    expect(finishOf(await whole(fleet.ask(DECODE, HALF), 10))).toBe("cache_threshold");
    await vi.advanceTimersByTimeAsync(2000);
    expect(answered).toHaveBeenCalledOnce();
  });

  it("loads at the store's bandwidth", async () => {
    const fleet = sharing({ gbps: 0.008 });
    await whole(fleet.ask(PREFILL, TO_PREFILL), 20_000);
    const answered = vi.fn();
    void fleet.ask(DECODE, HALF).then(answered);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(answered).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2000);
    expect(answered).toHaveBeenCalledOnce();
  });

  it("goes by its own cache where that holds more than the store", async () => {
    const fleet = sharing({ bytes: 1 });
    await whole(fleet.ask(DECODE, chat()));
    const again = await whole(fleet.ask(DECODE, HALF));
    expect(finishOf(again)).toBe("length");
    expect((await fleet.ledger(DECODE)).entries.at(-1)).toMatchObject({ pulledTokens: 0 });
  });

  it("finds less where the least recently used blocks had to go", async () => {
    const fleet = sharing({ bytes: 1200 * 10_000 });
    const messages = [{ role: "user", content: "Something that nobody else says. ".repeat(120) }];
    await whole(fleet.ask(PREFILL, TO_PREFILL));
    await whole(fleet.ask(PREFILL, { ...TO_PREFILL, messages }));
    expect(finishOf(await whole(fleet.ask(DECODE, { ...HALF, messages })))).toBe("length");
    expect(finishOf(await whole(fleet.ask(DECODE, HALF)))).toBe("cache_threshold");
  });

  it("finds nothing under another salt, nor in another layout", async () => {
    const fleet = sharing();
    await whole(fleet.ask(PREFILL, { ...TO_PREFILL, cache_salt: "tenant" }));
    expect(finishOf(await whole(fleet.ask(DECODE, HALF)))).toBe("cache_threshold");
    await whole(fleet.ask(PREFILL, TO_PREFILL));
    expect(finishOf(await whole(fleet.ask("other/0", HALF)))).toBe("cache_threshold");
    expect(finishOf(await whole(fleet.ask(DECODE, HALF)))).toBe("length");
  });

  it("computes all without a threshold, and fails or recomputes what it cannot load", async () => {
    const fleet = sharing();
    expect(finishOf(await whole(fleet.ask("other/0", chat())))).toBe("length");
    await whole(fleet.ask(PREFILL, TO_PREFILL));
    await fleet.admin(DECODE, "faults", { fault: "load" });
    expect((await whole(fleet.ask(DECODE, HALF))).status).toBe(500);
    await fleet.admin(DECODE, "settings", { kvLoadFailurePolicy: "recompute" });
    expect((await whole(fleet.ask(DECODE, HALF))).status).toBe(200);
    expect((await fleet.ledger(DECODE)).entries.at(-1)).toMatchObject({ pulledTokens: 0 });
  });

  it.each([-0.1, 1.1, "0.5"])("refuses the threshold %j", async (cache_hit_threshold) => {
    expect((await whole(sharing().ask(DECODE, chat({ cache_hit_threshold })))).status).toBe(400);
  });
});

function finishOf({ body }: Awaited<ReturnType<typeof whole>>): string | undefined {
  return body.choices[0]?.finish_reason;
}

/** Two pools of one layout and one of another, with a store that holds everything unless told. */
function sharing(store: { readonly bytes?: number; readonly gbps?: number } = {}): EmulatedFleet {
  const pools: Record<string, EmulatedPool> = {
    p: { dialect, roles: ["prefill"], more: LAYOUT },
    d: { dialect, roles: ["decode"], more: LAYOUT },
    other: { dialect, roles: ["prefill", "decode"], more: { kvLayout: "small/fp8" } },
  };
  return new EmulatedFleet(pools, [], { bytes: 1e12, gbps: 100, ...store });
}
