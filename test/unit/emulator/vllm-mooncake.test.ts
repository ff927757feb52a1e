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

const ENDLESS_MS = 2_000_000;
const P = { transfer_id: "t" };

describe("two emulated vLLM engines with the MooncakeConnector", () => {
  it.each(["prefill", "decode"])(
    "answer what one alone would, whoever comes first (%s)",
    async (first) => {
      const fleet = mooncake();
      const alone = await whole(fleet.ask(BOTH, chat()));
      const decodeBody = decodeOf(await sourceOf(fleet));
      const ask = {
        prefill: () => fleet.ask(PREFILL, prefillOf(P)),
        decode: () => fleet.ask(DECODE, decodeBody),
      };
      const [one, other] =
        first === "prefill" ? [ask.prefill, ask.decode] : [ask.decode, ask.prefill];
      const early = one();
      await vi.advanceTimersByTimeAsync(60_000);
      const answers = await Promise.all([whole(early), whole(other())]);
      const decode = answers[first === "prefill" ? 1 : 0];
      expect(decode && textOf(decode)).toBe(textOf(alone));
      const [prefilled, decoded] = await Promise.all([PREFILL, DECODE].map((e) => fleet.ledger(e)));
      const { promptTokens = 0 } = prefilled?.entries[0] ?? {};
      expect(prefilled).toMatchObject({ ...IDLE, entries: [{ computedTokens: promptTokens }] });
      expect(decoded).toMatchObject({
        ...IDLE,
        entries: [{ computedTokens: 1, pulledTokens: promptTokens - 1 }],
      });
    },
  );

  it("answer for prefill at once, with nothing for the router to pass on", async () => {
    const fleet = mooncake();
    const prefill = await whole(fleet.ask(PREFILL, prefillOf(P)));
    expect(prefill.status).toBe(200);
    expect(prefill.body).not.toHaveProperty("kv_transfer_params");
    expect((await fleet.ledger(PREFILL)).leasedBlocks).toBeGreaterThan(0);
  });

  it("meet by the request's id where the router gives none", async () => {
    const fleet = mooncake();
    void fleet.ask(PREFILL, prefillOf({}), requestId("r"));
    const source = { bootstrap_server_host: "p0", bootstrap_server_port: 8998 };
    const decode = await whole(fleet.ask(DECODE, decodeOf(source), requestId("r")));
    expect(decode.status).toBe(200);
    expect((await fleet.ledger(DECODE)).entries[0]?.pulledTokens).toBeGreaterThan(900);
  });

  it("keep blocks for 480 seconds after prefill, and not a moment longer", async () => {
    const fleet = mooncake();
    await whole(fleet.ask(PREFILL, prefillOf(P)), 1000);
    await vi.advanceTimersByTimeAsync(478_000);
    expect((await fleet.ledger(PREFILL)).leasedBlocks).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
  });

  it("leave decode waiting 480 seconds for a prefill that never comes, then fail it", async () => {
    const fleet = mooncake();
    const answered = vi.fn();
    const answering = fleet.ask(DECODE, decodeOf(await sourceOf(fleet)));
    void answering.then(answered);
    await vi.advanceTimersByTimeAsync(479_000);
    expect(answered).not.toHaveBeenCalled();
    const failed = await whole(answering, 2000);
    expect([failed.status, failed.body.error?.message]).toEqual([500, "Internal server error"]);
    expect(await fleet.ledger(DECODE)).toMatchObject(IDLE);
  });

  it("leave decode waiting too when the caller left prefill", async () => {
    const fleet = mooncake();
    const client = new AbortController();
    void fleet.ask(PREFILL, prefillOf(P), { signal: client.signal }).catch(() => {});
    const decode = fleet.ask(DECODE, decodeOf(await sourceOf(fleet)));
    await vi.advanceTimersByTimeAsync(20);
    client.abort();
    expect((await whole(decode, ENDLESS_MS)).status).toBe(500);
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
  });

  it("free prefill's blocks when decode was left before they came", async () => {
    const fleet = mooncake();
    const client = new AbortController();
    const body = decodeOf(await sourceOf(fleet));
    void fleet.ask(DECODE, body, { signal: client.signal }).catch(() => {});
    await vi.advanceTimersByTimeAsync(20);
    client.abort();
    await whole(fleet.ask(PREFILL, prefillOf(P)));
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
  });
});

describe("an emulated prefill engine with the MooncakeConnector", () => {
  it.each(["before", "after"])(
    "frees its blocks when decode is left in its queue, %s they were computed",
    async (when) => {
      const fleet = mooncake({}, { kvTokens: 1200 });
      const messages = [{ role: "user", content: "Something that nobody else says. ".repeat(120) }];
      const body = decodeOf(await sourceOf(fleet));
      void fleet.ask(DECODE, chat({ messages, max_tokens: 100 }));
      if (when === "after") await whole(fleet.ask(PREFILL, prefillOf(P)), 200);
      const client = new AbortController();
      void fleet.ask(DECODE, body, { signal: client.signal }).catch(() => {});
      await vi.advanceTimersByTimeAsync(10);
      client.abort();
      await vi.advanceTimersByTimeAsync(1);
      if (when === "before") await whole(fleet.ask(PREFILL, prefillOf(P)), 200);
      expect((await fleet.ledger(DECODE)).running).toBe(1);
      expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
    },
  );
});

describe("an emulated decode engine with the MooncakeConnector", () => {
  it.each([
    ["of an engine that is not there", { remote_bootstrap_addr: "http://nowhere:1" }],
    ["of an engine id that nobody has", { remote_engine_id: "an older one" }],
  ])("fails a load %s at once", async (_, wrong) => {
    const fleet = mooncake();
    void fleet.ask(PREFILL, prefillOf(P));
    const decode = fleet.ask(DECODE, decodeOf({ ...(await sourceOf(fleet)), ...wrong }));
    expect((await whole(decode)).status).toBe(500);
  });

  it("does not notice that an engine it knew has restarted, and waits", async () => {
    const fleet = mooncake();
    const source = await sourceOf(fleet);
    void fleet.ask(PREFILL, prefillOf(P));
    await whole(fleet.ask(DECODE, decodeOf(source)));
    await fleet.admin(PREFILL, "restart");
    const answered = vi.fn();
    const decode = fleet.ask(DECODE, decodeOf(source));
    void decode.then(answered);
    await vi.advanceTimersByTimeAsync(539_000);
    expect(answered).not.toHaveBeenCalled();
    expect((await whole(decode, 2000)).status).toBe(500);
  });

  it("computes the prompt itself when told to recompute what it cannot load", async () => {
    const fleet = mooncake();
    await fleet.admin(DECODE, "settings", { kvLoadFailurePolicy: "recompute" });
    const wrong = { ...(await sourceOf(fleet)), remote_engine_id: "an older one" };
    const decode = await whole(fleet.ask(DECODE, decodeOf(wrong)));
    expect(textOf(decode)).toBe(textOf(await whole(fleet.ask(BOTH, chat()))));
    expect(decode.body.usage).not.toHaveProperty("prompt_tokens_details");
    const [entry] = (await fleet.ledger(DECODE)).entries;
    expect(entry).toMatchObject({ pulledTokens: 0, computedTokens: entry?.promptTokens });
  });

  it("computes the prompt itself, and says nothing, when told too little", async () => {
    const fleet = mooncake();
    const { remote_engine_id: _, ...source } = await sourceOf(fleet);
    const decode = await whole(fleet.ask(DECODE, decodeOf(source)));
    expect(decode.status).toBe(200);
    expect((await fleet.ledger(DECODE)).entries[0]).toMatchObject({ pulledTokens: 0 });
  });

  it("tells of a failed load in the stream, under a status of 200", async () => {
    const fleet = mooncake();
    await fleet.admin(DECODE, "faults", { fault: "load" });
    void fleet.ask(PREFILL, prefillOf(P));
    const answering = fleet.ask(DECODE, decodeOf(await sourceOf(fleet), { stream: true }));
    await vi.advanceTimersByTimeAsync(1000);
    const response = await answering;
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(
      /data: \{"error":\{"message":"Internal server error".*"code":500\}\}\n\ndata: \[DONE\]\n\n$/,
    );
    expect((await fleet.ledger(PREFILL)).leasedBlocks).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(480_000);
    expect(await fleet.ledger(PREFILL)).toMatchObject(IDLE);
  });

  it("does not survive being asked to prefill for another, nor a prefill engine to load", async () => {
    const fleet = mooncake();
    const source = await sourceOf(fleet);
    expect((await whole(fleet.ask(DECODE, prefillOf(P)))).status).toBe(500);
    expect((await whole(fleet.ask(PREFILL, decodeOf(source)))).status).toBe(500);
    const crashes = await Promise.all([PREFILL, DECODE].map((name) => fleet.ledger(name)));
    expect(crashes.map((one) => one.crashes)).toEqual([1, 1]);
  });
});

describe("an emulated bootstrap server of Mooncake", () => {
  it("tells each rank's engine id and workers, which are others after a restart", async () => {
    const fleet = mooncake({ dpSize: 2 });
    const before = await registeredAt(fleet);
    expect(Object.keys(before)).toEqual(["0", "1"]);
    expect(before["1"]).toEqual({
      engine_id: expect.stringMatching(/_dp1$/),
      worker_addr: { 0: { 0: expect.stringMatching(/^tcp:/) } },
    });
    await fleet.admin(PREFILL, "restart");
    expect((await registeredAt(fleet))["1"]?.engine_id).not.toBe(before["1"]?.engine_id);
  });

  it("leads decode to the rank that prefilled, and to no other", async () => {
    const fleet = mooncake({ dpSize: 2 });
    const rank = { headers: { "x-data-parallel-rank": "1" } };
    void fleet.ask(PREFILL, prefillOf(P), rank);
    const right = fleet.ask(DECODE, decodeOf(await sourceOf(fleet, "1")));
    expect((await whole(right)).status).toBe(200);
    void fleet.ask(PREFILL, prefillOf({ transfer_id: "u" }), rank);
    const wrong = decodeOf({ ...(await sourceOf(fleet, "0")), transfer_id: "u" });
    expect((await whole(fleet.ask(DECODE, wrong), ENDLESS_MS)).status).toBe(500);
  });

  it("has ranks that hold their own prefixes, and refuses a rank that there is not", async () => {
    const fleet = mooncake({ dpSize: 2 });
    for (const rank of ["0", "1", "0"]) {
      await whole(fleet.ask(PREFILL, prefillOf(P), { headers: { "x-data-parallel-rank": rank } }));
    }
    const cached = (await fleet.ledger(PREFILL)).entries.map(
      ({ cachedTokens }) => cachedTokens > 900,
    );
    expect(cached).toEqual([false, false, true]);
    const third = fleet.ask(PREFILL, prefillOf(P), { headers: { "x-data-parallel-rank": "2" } });
    expect((await whole(third)).status).toBe(400);
  });
});

function mooncake(more: object = {}, d: object = {}): EmulatedFleet {
  return fleetOf("vllm-mooncake", { p: { more, perEngine: { bootstrapHost: "p0" } }, d });
}

/** What a router that asked the bootstrap server tells decode. */
async function sourceOf(fleet: EmulatedFleet, rank = "0") {
  const remote_engine_id = (await registeredAt(fleet))[rank]?.engine_id;
  return { ...P, remote_engine_id, remote_bootstrap_addr: "http://p0:8998" };
}

async function registeredAt(fleet: EmulatedFleet) {
  const response = await fleet.get(PREFILL, "/bootstrap/query");
  return (await response.json()) as Record<string, { engine_id: string; worker_addr: object }>;
}
