import { describe, expect, it } from "vitest";
import type { EmulatedFleet } from "../../support/emulated-fleet.ts";
import { BOTH, chat, fleetOf, textOf, whole, withFakeTime } from "./vllm-fixtures.ts";

withFakeTime();

const KEY = btoa("k".repeat(32));
const PART = 1024 * 1024 + 4 + 12 + 16;

describe("KV cache that an emulated llama.cpp engine gives out", () => {
  it("comes back to a restarted one, which computes none of its blocks again", async () => {
    const { fleet, state, kept } = await exported();
    await fleet.admin(BOTH, "restart");
    const given = await give(fleet, state);
    expect(given.status).toBe(200);
    const fetch = (await given.json()) as object;
    expect(fetch).toMatchObject({ tokens: kept.tokens, bytes: kept.bytes });
    const again = await whole(fleet.ask(BOTH, chat({ kv_transfer_params: { fetch } })));
    const { prompt_tokens, prompt_tokens_details } = again.body.usage;
    // The state goes on with the answer, so the block in which that begins is another than the prompt's last.
    const blocks = Math.floor(prompt_tokens / 16);
    expect(prompt_tokens_details).toEqual({ cached_tokens: blocks * 16 });
    expect(textOf(again)).toBe(kept.text);
    expect((await fleet.ledger(BOTH)).entries.at(-1)).toMatchObject({ leg: "both" });
  });

  it("is as large as the cache is, and nothing of it can be read", async () => {
    const { state, kept } = await exported();
    expect(state.byteLength).toBeGreaterThan(kept.bytes);
    expect(new TextDecoder().decode(state)).not.toContain("blocks");
  });

  it("is not there for another tenant, without a key, or under another handle", async () => {
    const { fleet, kept } = await exported();
    const asks = [
      take(fleet, kept.handle, { "x-kv-key": KEY, "x-kv-salt": "rival" }),
      take(fleet, kept.handle, {}),
      take(fleet, `kv_${"x".repeat(43)}`, { "x-kv-key": KEY }),
    ];
    for (const asked of asks) expect((await asked).status).toBe(404);
  });

  it.each([
    ["cut within a part", (state: Uint8Array) => state.slice(0, 5000)],
    ["cut between two parts", (state: Uint8Array) => state.slice(0, PART)],
    ["of which a byte is another", (state: Uint8Array) => state.with(PART + 99, 1)],
    ["whose parts are in another order", swapped],
    ["with nothing in it", () => new Uint8Array()],
  ])("is refused as corrupt when it is %s", async (_, harm) => {
    const { fleet, state } = await exported();
    expect((await give(fleet, new Uint8Array(harm(state)))).status).toBe(422);
  });

  it("is refused when it was sealed with another key, or is another model's", async () => {
    const { fleet, state } = await exported();
    const other = { "x-kv-key": btoa("o".repeat(32)) };
    expect((await give(fleet, state, other)).status).toBe(422);
    const elsewhere = fleetOf("llamacpp", { p: { more: { kvLayout: "another" } } });
    expect((await elsewhere.send("p/0", "/kv", sent(state, { "x-kv-key": KEY }))).status).toBe(409);
  });

  it("tells one life of its process from another", async () => {
    const { fleet } = await exported();
    const instance = async () => (await (await fleet.get(BOTH, "/health")).json()) as object;
    const before = await instance();
    expect(await instance()).toEqual(before);
    await fleet.admin(BOTH, "restart");
    expect(await instance()).not.toEqual(before);
  });
});

type Kept = { readonly handle: string; readonly tokens: number; readonly bytes: number };

/** A conversation that was answered, and its state. */
async function exported() {
  const fleet = fleetOf("llamacpp");
  const first = await whole(fleet.ask(BOTH, chat({ kv_transfer_params: { leave: true } })));
  const told = first.body.kv_transfer_params as Kept;
  const response = await take(fleet, told.handle, { "x-kv-key": KEY });
  const state = new Uint8Array(await response.arrayBuffer());
  return { fleet, state, kept: { ...told, text: textOf(first) } };
}

function take(fleet: EmulatedFleet, handle: string, headers: Record<string, string>) {
  return fleet.send(BOTH, `/kv/${handle}`, { headers });
}

function give(fleet: EmulatedFleet, state: Uint8Array<ArrayBuffer>, headers = { "x-kv-key": KEY }) {
  return fleet.send(BOTH, "/kv", sent(state, headers));
}

function sent(body: Uint8Array<ArrayBuffer>, headers: Record<string, string>): RequestInit {
  return { method: "POST", headers, body };
}

/** The second part first: both are as long. */
function swapped(state: Uint8Array): Uint8Array {
  const other = state.slice();
  other.set(state.subarray(PART, 2 * PART));
  other.set(state.subarray(0, PART), PART);
  return other;
}
