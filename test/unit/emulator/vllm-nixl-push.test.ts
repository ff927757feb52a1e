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
  requestId,
  textOf,
  whole,
  withFakeTime,
} from "./vllm-fixtures.ts";

withFakeTime();

const PUSH = "vllm-nixl-push";
const T = { transfer_id: "t" };
/** Fills a cache of 1200 tokens for most of a second. */
const OTHERS = chat({
  messages: [{ role: "user", content: "Something that nobody else says. ".repeat(120) }],
  max_tokens: 100,
});

/** Until the prompt of `NEWS` is all but computed: the rest is sooner done than its blocks are written. */
const ALMOST_MS = 100;
const NEWS = { messages: [{ role: "user", content: "Said for the first time. ".repeat(160) }] };

describe("two emulated vLLM engines with the NixlPushConnector", () => {
  it("answer for prefill with a handle that tells who prefilled, and how", async () => {
    const { body, text } = await whole(
      fleetOf(PUSH).ask(PREFILL, prefillOf(T), requestId("router-made")),
    );
    expect(body.kv_transfer_params).toMatchObject({
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_host: PREFILL,
      remote_port: 5600,
      tp_size: 1,
      pp_size: 1,
      remote_num_tokens: body.usage.prompt_tokens,
      transfer_mode: "push",
      remote_request_id: expect.stringMatching(/^chatcmpl-router-made-[0-9a-f]{8}$/),
    });
    expect(text).toMatch(/"remote_block_ids":\[\[\d{19},/);
  });

  it.each(["prefill", "decode"])(
    "answer what one alone would, whoever comes first (%s)",
    async (first) => {
      const fleet = fleetOf(PUSH);
      const alone = await whole(fleet.ask(BOTH, chat()));
      const source = await sourceOf(fleet);
      const ask = {
        prefill: () => fleet.ask(PREFILL, prefillOf(T)),
        decode: () => fleet.ask(DECODE, decodeOf({ ...source, ...T })),
      };
      const early = first === "prefill" ? ask.prefill() : ask.decode();
      await vi.advanceTimersByTimeAsync(20_000);
      const late = first === "prefill" ? ask.decode() : ask.prefill();
      const answers = await Promise.all([whole(early), whole(late)]);
      const decode = answers[first === "prefill" ? 1 : 0];
      expect(decode && textOf(decode)).toBe(textOf(alone));
      expect(decode?.body.usage.prompt_tokens_details).toEqual({
        cached_tokens: alone.body.usage.prompt_tokens - 1,
      });
      const [entry] = (await fleet.ledger(DECODE)).entries;
      expect(entry).toMatchObject({
        computedTokens: 1,
        pulledTokens: alone.body.usage.prompt_tokens - 1,
      });
      expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
    },
  );

  it("write blocks once where decode comes in the moment that they are computed", async () => {
    const fleet = fleetOf(PUSH);
    const source = await sourceOf(fleet);
    const prefill = fleet.ask(PREFILL, prefillOf(T, NEWS));
    await vi.advanceTimersByTimeAsync(ALMOST_MS);
    // The prefill engine is late to look what it has done.
    vi.setSystemTime(Date.now() + 20_000);
    const decode = await whole(fleet.ask(DECODE, decodeOf({ ...source, ...T }, NEWS)));
    expect(decode.status).toBe(200);
    expect((await whole(prefill)).status).toBe(200);
    expect((await fleet.ledger(DECODE)).entries[0]?.pulledTokens).toBeGreaterThan(900);
  });

  it("meet by the request's id where the router gives no other", async () => {
    const fleet = fleetOf(PUSH);
    const source = await sourceOf(fleet);
    void fleet.ask(PREFILL, prefillOf({}), requestId("r"));
    const decode = await whole(fleet.ask(DECODE, decodeOf(source), requestId("r")));
    expect(decode.status).toBe(200);
    expect((await fleet.ledger(DECODE)).entries[0]?.pulledTokens).toBeGreaterThan(900);
  });

  it("keep prefill's blocks for thirty seconds, and longer while decode is queued", async () => {
    const fleet = fleetOf(PUSH, { d: { kvTokens: 1200 } });
    const source = await sourceOf(fleet);
    await whole(fleet.ask(PREFILL, prefillOf(T)));
    void fleet.ask(DECODE, OTHERS);
    await fleet.admin(DECODE, "faults", { fault: "slow", factor: 200 });
    const queued = fleet.ask(DECODE, decodeOf({ ...source, ...T }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await fleet.ledger(PREFILL)).leasedBlocks).toBeGreaterThan(0);
    await fleet.admin(DECODE, "faults", { fault: "none" });
    expect((await whole(queued, 60_000)).status).toBe(200);
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
    await whole(fleet.ask(PREFILL, prefillOf(T)));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
  });

  it("free prefill's blocks when decode is left before the scheduler saw it", async () => {
    const fleet = fleetOf(PUSH, { d: { kvTokens: 1200 } });
    const source = await sourceOf(fleet);
    void fleet.ask(DECODE, OTHERS);
    await whole(fleet.ask(PREFILL, prefillOf(T)), 100);
    const client = new AbortController();
    const body = decodeOf({ ...source, ...T });
    void fleet.ask(DECODE, body, { signal: client.signal }).catch(() => {});
    await vi.advanceTimersByTimeAsync(100);
    expect((await fleet.ledger(PREFILL)).leasedBlocks).toBeGreaterThan(0);
    client.abort();
    await vi.advanceTimersByTimeAsync(1);
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
  });

  it("give up on a registration that nothing follows after 480 seconds", async () => {
    const fleet = fleetOf(PUSH);
    const answered = vi.fn();
    const decode = fleet.ask(DECODE, decodeOf({ ...(await sourceOf(fleet)), ...T }));
    void decode.then(answered);
    await vi.advanceTimersByTimeAsync(479_000);
    expect(answered).not.toHaveBeenCalled();
    expect((await whole(decode, 2000)).status).toBe(500);
    expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
  });
});

describe("an emulated decode engine with the NixlPushConnector", () => {
  it.each(["remote_engine_id", "remote_host", "remote_port", "tp_size"])(
    "does not survive a request without %s",
    async (name) => {
      const fleet = fleetOf(PUSH);
      const source = { ...(await sourceOf(fleet)), ...T, [name]: undefined };
      expect((await whole(fleet.ask(DECODE, decodeOf(source)))).status).toBe(500);
      expect((await fleet.ledger(DECODE)).crashes).toBe(1);
    },
  );

  it("fails the load when the prefill engine has restarted since it told who it is", async () => {
    const fleet = fleetOf(PUSH);
    const source = await sourceOf(fleet);
    await fleet.admin(PREFILL, "restart");
    void fleet.ask(PREFILL, prefillOf(T));
    expect((await whole(fleet.ask(DECODE, decodeOf({ ...source, ...T })))).status).toBe(500);
  });

  it("computes the prompt itself when told to recompute what it cannot load", async () => {
    const fleet = fleetOf(PUSH);
    const source = { ...(await sourceOf(fleet)), ...T, remote_engine_id: "an older one" };
    await fleet.admin(DECODE, "settings", { kvLoadFailurePolicy: "recompute" });
    const decode = await whole(fleet.ask(DECODE, decodeOf(source)));
    expect(textOf(decode)).toBe(textOf(await whole(fleet.ask(BOTH, chat()))));
    expect(decode.body.usage).not.toHaveProperty("prompt_tokens_details");
  });

  it("fails the load when the blocks cannot reach it, and prefill's expire in their time", async () => {
    const fleet = fleetOf(PUSH);
    const source = { ...(await sourceOf(fleet)), ...T };
    await whole(fleet.ask(PREFILL, prefillOf(T)));
    await fleet.admin(DECODE, "faults", { fault: "load" });
    expect((await whole(fleet.ask(DECODE, decodeOf(source)))).status).toBe(500);
    expect((await fleet.ledger(PREFILL)).leasedBlocks).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
  });
});

/** What a router learnt of the prefill engine from an earlier answer, whose blocks have gone since. */
async function sourceOf(fleet: EmulatedFleet): Promise<Record<string, unknown>> {
  const { body } = await whole(fleet.ask(PREFILL, prefillOf({ transfer_id: "earlier" })));
  await vi.advanceTimersByTimeAsync(30_000);
  const { remote_engine_id, remote_host, remote_port, tp_size } = body.kv_transfer_params ?? {};
  return { remote_engine_id, remote_host, remote_port, tp_size };
}
