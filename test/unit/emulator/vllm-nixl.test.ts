import { describe, expect, it, vi } from "vitest";
import type { EmulatedFleet } from "../../support/emulated-fleet.ts";
import {
  BOTH,
  chat,
  DECODE,
  decodeOf,
  fleetOf,
  IDLE,
  PREFILL,
  prefillOf,
  textOf,
  whole,
  type Whole,
  withFakeTime,
} from "./vllm-fixtures.ts";

withFakeTime();

const NIXL = "vllm-nixl";

describe("an emulated decode engine with the NixlConnector", () => {
  it("fails what it cannot load, by default", async () => {
    const fleet = fleetOf(NIXL);
    const handle = await prefilled(fleet);
    await fleet.admin(PREFILL, "restart");
    const decode = await whole(fleet.ask(DECODE, withHandle(chat(), handle)));
    expect([decode.status, decode.body.error?.message]).toEqual([500, "Internal server error"]);
    expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
  });

  it("computes it instead when told to recompute", async () => {
    const fleet = fleetOf(NIXL);
    const handle = await prefilled(fleet);
    await fleet.admin(DECODE, "settings", { kvLoadFailurePolicy: "recompute" });
    await fleet.admin(DECODE, "faults", { fault: "load" });
    const decode = await whole(fleet.ask(DECODE, withHandle(chat(), handle)));
    expect(textOf(decode)).toBe(textOf(await whole(fleet.ask(BOTH, chat()))));
    expect((await fleet.ledger(DECODE)).entries[0]).toMatchObject({ pulledTokens: 0 });
  });

  it("computes a prompt with half a handle, and says nothing", async () => {
    const fleet = fleetOf(NIXL);
    const decode = await whole(fleet.ask(DECODE, decodeOf({ remote_engine_id: "e" })));
    expect(decode.status).toBe(200);
    expect((await fleet.ledger(DECODE)).entries[0]).toMatchObject({ pulledTokens: 0 });
  });

  it("keeps nothing for the next turn unless its pool is bidirectional", async () => {
    const fleet = fleetOf(NIXL);
    const decode = await whole(fleet.ask(DECODE, withHandle(chat(), await prefilled(fleet))));
    expect(decode.body).not.toHaveProperty("kv_transfer_params");
    expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
  });
});

describe("two emulated vLLM engines in NIXL's bidirectional mode", () => {
  it("tell with decode's answer where the next turn's prefill finds all of it", async () => {
    const fleet = bidirectional();
    const decode = await whole(fleet.ask(DECODE, withHandle(chat(), await prefilled(fleet))));
    const { usage, kv_transfer_params } = decode.body;
    expect(kv_transfer_params).toMatchObject({
      do_remote_prefill: false,
      do_remote_decode: true,
      remote_host: DECODE,
      remote_port: 5600,
      tp_size: 1,
      remote_num_tokens: usage.prompt_tokens + 8 - 1,
      remote_blocks_expiry_time: expect.closeTo(Date.now() / 1000 + 480, -1),
    });
    expect(decode.text).toMatch(/"remote_request_id":\d{19},/);
  });

  it("tell it in a stream with the chunk that closes the answer", async () => {
    const fleet = bidirectional();
    const body = withHandle(chat({ stream: true }), await prefilled(fleet));
    const answering = fleet.ask(DECODE, body);
    await vi.advanceTimersByTimeAsync(1000);
    const frames = (await (await answering).text()).split("\n\n").filter((one) => one !== "");
    const telling = frames.filter((one) => one.includes('"kv_transfer_params":{'));
    expect(telling).toHaveLength(1);
    expect(telling[0]).toContain('"finish_reason":"length"');
    expect(telling[0]).toBe(frames.at(-2));
  });

  it("keep decode's blocks for 480 seconds after the answer, and not a moment longer", async () => {
    const fleet = bidirectional();
    await whole(fleet.ask(DECODE, withHandle(chat(), await prefilled(fleet))), 1000);
    await vi.advanceTimersByTimeAsync(478_000);
    expect((await fleet.ledger(DECODE)).leasedBlocks).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
  });

  it("keep nothing of an answer whose caller left", async () => {
    const fleet = bidirectional();
    const client = new AbortController();
    const body = withHandle(chat({ max_tokens: 500 }), await prefilled(fleet));
    void fleet.ask(DECODE, body, { signal: client.signal }).catch(() => {});
    await vi.advanceTimersByTimeAsync(200);
    client.abort();
    await vi.advanceTimersByTimeAsync(1);
    expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
  });

  it("prefill a turn's new tokens only, counting the fetched ones as cached", async () => {
    const fleet = bidirectional();
    const { body, handle } = await nextTurn(fleet);
    await forget(fleet);
    const { usage, kv_transfer_params } = (
      await whole(fleet.ask(PREFILL, withHandle(body, handle)))
    ).body;
    const kept = Number(/"remote_num_tokens":(\d+)/.exec(handle)?.[1]);
    const [entry] = (await fleet.ledger(PREFILL)).entries.slice(-1);
    expect(entry).toMatchObject({
      leg: "prefill",
      cachedTokens: 0,
      pulledTokens: kept,
      computedTokens: usage.prompt_tokens - kept,
    });
    expect(usage.prompt_tokens_details).toEqual({ cached_tokens: kept });
    expect(kv_transfer_params).toMatchObject({ do_remote_prefill: true, remote_host: PREFILL });
    expect((await fleet.ledger(DECODE)).leasedBlocks).toBe(0);
  });

  it("hand on what was fetched as if it had been computed", async () => {
    const fleet = bidirectional();
    const { body, handle } = await nextTurn(fleet);
    await forget(fleet);
    const prefill = await whole(fleet.ask(PREFILL, withHandle(body, handle)));
    const handed = handleIn(prefill);
    const decode = await whole(fleet.ask(DECODE, withHandle({ ...body, max_tokens: 8 }, handed)));
    const alone = await whole(fleet.ask(BOTH, { ...body, max_tokens: 8 }));
    expect(textOf(decode)).toBe(textOf(alone));
  });

  it("fetch only what prefill does not hold itself", async () => {
    const fleet = bidirectional();
    const { body, handle } = await nextTurn(fleet);
    await whole(fleet.ask(PREFILL, withHandle(body, handle)));
    const [entry] = (await fleet.ledger(PREFILL)).entries.slice(-1);
    expect(entry?.cachedTokens).toBeGreaterThan(900);
    // Eight tokens of answer are not worth a transfer; decode hears of it all the same.
    expect(entry).toMatchObject({ pulledTokens: 0 });
    expect((await fleet.ledger(DECODE)).leasedBlocks).toBe(0);
  });

  it.each([
    ["has expired", async () => void (await vi.advanceTimersByTimeAsync(480_000))],
    ["is of a process that ended", (fleet: EmulatedFleet) => fleet.admin(DECODE, "restart")],
  ])("compute a turn whose handle %s, and do not pretend", async (_, lapse) => {
    const fleet = bidirectional();
    const { body, handle } = await nextTurn(fleet);
    await forget(fleet);
    await lapse(fleet);
    const prefill = await whole(fleet.ask(PREFILL, withHandle(body, handle)));
    expect(prefill.status).toBe(200);
    expect(prefill.body.usage).not.toHaveProperty("prompt_tokens_details");
    const [entry] = (await fleet.ledger(PREFILL)).entries.slice(-1);
    expect(entry).toMatchObject({ pulledTokens: 0, computedTokens: entry?.promptTokens });
  });

  it("take as long for what is fetched as the link takes", async () => {
    const fleet = bidirectional();
    const { body, handle } = await nextTurn(fleet);
    await forget(fleet);
    await fleet.admin(PREFILL, "settings", { linkGbps: 0.008 });
    const answered = vi.fn();
    void fleet.ask(PREFILL, withHandle(body, handle)).then(answered);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(answered).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2000);
    expect(answered).toHaveBeenCalledOnce();
  });

  it("leave decode's blocks their time when prefill is left while it fetches", async () => {
    const fleet = bidirectional();
    const { body, handle } = await nextTurn(fleet);
    await forget(fleet);
    await fleet.admin(PREFILL, "settings", { linkGbps: 0.008 });
    const client = new AbortController();
    void fleet.ask(PREFILL, withHandle(body, handle), { signal: client.signal }).catch(() => {});
    await vi.advanceTimersByTimeAsync(1000);
    client.abort();
    await vi.advanceTimersByTimeAsync(1);
    expect((await fleet.ledger(DECODE)).leasedBlocks).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(480_000);
    expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
  });
});

function bidirectional(): EmulatedFleet {
  return fleetOf(NIXL, { d: { more: { bidirectional: true } } });
}

/** A handle, digit for digit. */
async function prefilled(fleet: EmulatedFleet): Promise<string> {
  return handleIn(await whole(fleet.ask(PREFILL, prefillOf({}))));
}

function handleIn({ text }: Whole): string {
  return /"kv_transfer_params":(\{.*?\})/.exec(text)?.[1] ?? "";
}

function withHandle(body: object, handle: string): string {
  const { kv_transfer_params: _, ...rest } = body as Record<string, unknown>;
  return `${JSON.stringify(rest).slice(0, -1)},"kv_transfer_params":${handle}}`;
}

/** A prefill engine that holds nothing of it any more. */
async function forget(fleet: EmulatedFleet): Promise<void> {
  await fleet.admin(PREFILL, "restart");
}

/** A turn, and what the next one would be sent to prefill with. */
async function nextTurn(fleet: EmulatedFleet): Promise<{ body: object; handle: string }> {
  const first = chat();
  const decode = await whole(fleet.ask(DECODE, withHandle(first, await prefilled(fleet))));
  const messages = [
    ...(first["messages"] as object[]),
    { role: "assistant", content: textOf(decode) },
    { role: "user", content: "And what is not said here? ".repeat(10) },
  ];
  return { body: chat({ messages, max_tokens: 1 }), handle: handleIn(decode) };
}
