import { describe, expect, it } from "vitest";
import { EmulatedFleet } from "../../support/emulated-fleet.ts";
import { chat, textOf, whole, withFakeTime } from "./vllm-fixtures.ts";

withFakeTime();

const WARM = "u/0";
const COLD = "u/1";
/** Of another pool, which no link leads to or from. */
const STRANGER = "s/0";

/** Two engines of a pool that is linked to itself. */
function twins(): EmulatedFleet {
  const pool = { dialect: "llamacpp", roles: ["prefill", "decode"] } as const;
  return new EmulatedFleet({ u: { ...pool, engines: 2 }, s: pool }, [{ from: "u", to: "u" }]);
}

function pulling(engine: string, more: object = {}) {
  const pull = { from: `http://127.0.0.1:9100/${engine}` };
  return chat({ kv_transfer_params: { pull }, ...more });
}

function fetchedBy({ body }: Awaited<ReturnType<typeof whole>>) {
  return body.kv_transfer_params?.["fetched"];
}

describe("an emulated llama.cpp engine that is told where to pull from", () => {
  it("has of the prompt what the other had cached, and computes the rest", async () => {
    const fleet = twins();
    const first = await whole(fleet.ask(WARM, chat()));
    const second = await whole(fleet.ask(COLD, pulling(WARM)));
    const { prompt_tokens: tokens } = first.body.usage;
    const cached = tokens - (tokens % 16);
    expect(second.body.usage.prompt_tokens_details).toEqual({ cached_tokens: cached });
    expect(fetchedBy(second)).toEqual({
      tokens: cached,
      bytes: cached * 10_000,
      ms: expect.closeTo(cached / 80, -1),
    });
    const [entry] = (await fleet.ledger(COLD)).entries;
    expect(entry).toMatchObject({
      leg: "both",
      cachedTokens: 0,
      pulledTokens: cached,
      computedTokens: tokens - cached,
    });
    expect(textOf(second)).toBe(textOf(first));
  });

  it("leaves what it computed of a prompt for others to pull", async () => {
    const fleet = twins();
    await whole(fleet.ask(WARM, chat()));
    await whole(fleet.ask(COLD, pulling(WARM)));
    await fleet.admin(WARM, "restart");
    const back = await whole(fleet.ask(WARM, pulling(COLD)));
    expect((await fleet.ledger(WARM)).entries.at(-1)?.pulledTokens).toBeGreaterThan(900);
    expect(fetchedBy(back)).not.toHaveProperty("failed");
  });

  it("fetches nothing where it has as much itself", async () => {
    const fleet = twins();
    for (const engine of [WARM, COLD]) await whole(fleet.ask(engine, chat()));
    const again = await whole(fleet.ask(COLD, pulling(WARM)));
    expect(fetchedBy(again)).toMatchObject({ bytes: 0 });
    expect((await fleet.ledger(COLD)).entries[1]?.pulledTokens).toBe(0);
  });

  it.each([
    ["the other never saw it", {}, async () => {}],
    ["the other saw it of another tenant", { cache_salt: "mine" }, warmed],
    [
      "the other has restarted",
      {},
      async (fleet: EmulatedFleet) => {
        await warmed(fleet);
        await fleet.admin(WARM, "restart");
      },
    ],
    [
      "it breaks off on its way",
      {},
      async (fleet: EmulatedFleet) => {
        await warmed(fleet);
        await fleet.admin(COLD, "faults", { fault: "load" });
      },
    ],
  ])("computes it all, and says so, where %s", async (_, more, before) => {
    const fleet = twins();
    await before(fleet);
    const answer = await whole(fleet.ask(COLD, pulling(WARM, more)));
    expect(fetchedBy(answer)).toEqual({ failed: expect.any(String) });
    expect(answer.body.usage.prompt_tokens_details).toEqual({ cached_tokens: 0 });
    expect(textOf(answer)).toBe(textOf(await whole(fleet.ask(STRANGER, chat()))));
  });

  it("refuses to ask one that is not among its peers, or anything else", async () => {
    const fleet = twins();
    const stranger = await whole(fleet.ask(COLD, pulling(STRANGER)));
    expect([stranger.status, stranger.body.error?.message]).toEqual([
      400,
      expect.stringContaining("peers"),
    ]);
    const pull = { from: `http://127.0.0.1:9100/${WARM}`, tokens: 7 };
    const more = await whole(fleet.ask(COLD, chat({ kv_transfer_params: { pull } })));
    expect(more.status).toBe(400);
  });
});

async function warmed(fleet: EmulatedFleet): Promise<void> {
  await whole(fleet.ask(WARM, chat()));
}
