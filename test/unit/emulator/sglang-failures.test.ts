import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DECODE, meeting, pair, PREFILL, whole } from "./sglang-fixtures.ts";

const ROOM = "9223372036854775807";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an emulated SGLang engine", () => {
  it.each([
    [PREFILL, "Prefill bootstrap failed"],
    [DECODE, "Decode transfer failed"],
  ])(
    "answers 500 after five minutes when the other side never comes (%s)",
    async (name, message) => {
      const fleet = pair();
      const answered = vi.fn();
      const answering = fleet.ask(name, meeting(ROOM));
      void answering.then(answered);
      await vi.advanceTimersByTimeAsync(299_000);
      expect(answered).not.toHaveBeenCalled();
      const failed = await whole(answering, 2000);
      expect(failed.status).toBe(500);
      expect(failed.body.message).toContain(message);
      expect(failed.body.message).toContain(`KVTransferError(bootstrap_room=${ROOM})`);
      expect(await fleet.ledger(name)).toMatchObject({ open: 0, blocksHeld: 0, leasedBlocks: 0 });
    },
  );

  it.each([
    [PREFILL, DECODE],
    [DECODE, PREFILL],
  ])("fails when the client leaves the other side (%s)", async (left, other) => {
    const fleet = pair();
    await fleet.admin(DECODE, "settings", { linkGbps: 0.008 });
    const client = new AbortController();
    const leaving = fleet.ask(left, meeting(ROOM), { signal: client.signal }).catch(() => "left");
    const staying = fleet.ask(other, meeting(ROOM));
    await vi.advanceTimersByTimeAsync(2000);
    client.abort();
    expect(await leaving).toBe("left");
    const failed = await whole(staying, 100);
    expect(failed.status).toBe(500);
    expect(failed.body.message).toContain("Aborted by AbortReq.");
    for (const name of [left, other]) {
      expect(await fleet.ledger(name)).toMatchObject({ open: 0, blocksHeld: 0, leasedBlocks: 0 });
    }
  });

  it("tells of a failure in a stream under a status of 200", async () => {
    const fleet = pair();
    const answering = fleet.ask(DECODE, meeting(ROOM, { stream: true }));
    await vi.advanceTimersByTimeAsync(301_000);
    const response = await answering;
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toMatch(/data: \{"error":\{.*"code":500\}\}\n\ndata: \[DONE\]\n\n$/);
    expect(text).not.toContain('"content":"');
  });

  it("misses the heartbeats of a prefill engine that restarted", async () => {
    const fleet = pair();
    await fleet.admin(DECODE, "settings", { linkGbps: 0.001 });
    void fleet.ask(PREFILL, meeting("7"));
    const decode = fleet.ask(DECODE, meeting("7"));
    await vi.advanceTimersByTimeAsync(50);
    await fleet.admin(PREFILL, "restart");
    const failed = await whole(decode, 11_000);
    expect(failed.status).toBe(500);
    expect(failed.body.message).toContain("Lost connection with prefill instance");
  });

  it("frees its blocks when the decode engine restarted", async () => {
    const fleet = pair();
    await fleet.admin(DECODE, "settings", { linkGbps: 0.008 });
    const prefill = fleet.ask(PREFILL, meeting("7"));
    void fleet.ask(DECODE, meeting("7"));
    await vi.advanceTimersByTimeAsync(2000);
    await fleet.admin(DECODE, "restart");
    const failed = await whole(prefill, 11_000);
    expect(failed.body.message).toContain("Decode instance could be dead");
    expect(await fleet.ledger(PREFILL)).toMatchObject({ blocksHeld: 0, leasedBlocks: 0 });
  });

  it("gives up its handshake with a prefill engine that cannot be reached after some tries", async () => {
    const fleet = pair();
    await fleet.admin(PREFILL, "faults", { fault: "isolated" });
    const failed = await whole(fleet.ask(DECODE, meeting("7")), 15_000);
    expect(failed.status).toBe(500);
    expect(failed.body.message).toContain("Decode handshake failed");
  });

  it("does not survive a second request for a room in use", async () => {
    const fleet = pair();
    const first = fleet.ask(PREFILL, meeting("7"));
    const second = fleet.ask(PREFILL, meeting("7"));
    expect((await whole(first)).status).toBe(500);
    expect((await whole(second)).status).toBe(500);
    expect(await fleet.ledger(PREFILL)).toMatchObject({ crashes: 1, open: 0 });
  });
});
