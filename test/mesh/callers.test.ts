import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import type { SessionView } from "../../src/rpc/session-messages.ts";
import { ask, get, readReceipt, receiptOf, words } from "../support/ask.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { RawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const IDLE_TIMEOUT_MS = 400;

const started = useMesh({ timeFactor: 0.05, turnSettings: { idleTimeoutMs: IDLE_TIMEOUT_MS } });
let engines: Engines;

beforeAll(() => {
  engines = new Engines(started.mesh, engineNames());
});

describe("a client that reads slowly", () => {
  it("is not taken for a stalled engine", async () => {
    const { mesh } = started;
    const session = "slow-reader";
    const since = Date.now();
    // More than the sockets in between can hold, so that the rest waits for the client.
    const question = { session, model: "small", maxTokens: 1500, more: { n: 16 } };
    const client = await RawClient.ask(mesh, question);
    await client.hears(/"content":"[^"]+"/);
    client.pause();
    await until(
      "the engine to have said everything",
      async () => {
        const [leg] = await engines.legsSince(since);
        return leg?.status === "done" ? true : undefined;
      },
      20_000,
    );
    await sleep(3 * IDLE_TIMEOUT_MS);
    const { status } = await get(mesh, `sessions/${session}`);
    expect(status, "the turn cannot be over while its client has yet to read").toBe(404);
    client.resume();
    await client.hears(/data: \[DONE\]/);
    expect(client.heard).not.toContain('"error"');
  });
});

describe("a client that resets its connection before anything was sent to it", () => {
  it.each([true, false])("ends its leg at once and is cancelled (streamed: %s)", async (stream) => {
    const { mesh } = started;
    const small = engines.names.filter((name) => /^(groq|h100)-/.test(name));
    for (const name of small) await engines.fault(name, "slow", { factor: 1000 });
    const session = `early-${stream}`;
    const since = Date.now();
    const messages = [{ role: "user", content: words(session, 3000) }];
    const client = await RawClient.ask(mesh, { session, model: "small", messages, stream });
    const begun = await until("the leg to begin", async () => (await engines.legsSince(since))[0]);
    expect(begun).toMatchObject({ status: "running", leg: "both" });
    const leftAt = Date.now();
    client.reset();
    const [leg] = await until("the leg to end", async () => {
      const legs = await engines.legsSince(since);
      return legs.every(({ status }) => status !== "running") ? legs : undefined;
    });
    expect(client.heard).toBe("");
    expect(leg).toMatchObject({ requestId: begun.requestId, status: "aborted" });
    expect(leg?.endedAt).toBeLessThan(leftAt + 1000);
    expect(await onlyReceiptOf(session)).toMatchObject({ status: "cancelled" });
    for (const name of small) await engines.fault(name, "none");
    await engines.quiet(1000);
  });

  async function onlyReceiptOf(session: string): Promise<Receipt> {
    const turns = await until("the session to know its turn", async () => {
      const response = await get(started.mesh, `sessions/${session}`);
      return response.ok ? ((await response.json()) as SessionView).recentTurns : undefined;
    });
    expect(turns).toHaveLength(1);
    return readReceipt(started.mesh, turns[0]?.receipt ?? "none");
  }
});

describe("a mistake of the caller's", () => {
  it("comes back as the engine told it, and no other engine is asked", async () => {
    const { mesh } = started;
    // The edge cannot know that these caches are small: the engine that is asked says so.
    const small = engines.names.filter((name) => /^(groq|h100)-/.test(name));
    for (const name of small) await engines.settings(name, { kvTokens: 512 });
    const messages = [{ role: "user", content: words("toolong", 1000) }];
    for (const stream of [true, false]) {
      const since = Date.now();
      const seen = await ask(mesh, { model: "small", messages, stream });
      expect(seen.status).toBe(400);
      expect(JSON.parse(seen.text)).toMatchObject({
        error: { code: "context_length_exceeded", type: "invalid_request_error" },
      });
      expect(await engines.legsSince(since)).toHaveLength(1);
      const receipt = await receiptOf(mesh, seen);
      expect(receipt).toMatchObject({ status: "failed", segments: [] });
      expect(receipt.work).toHaveLength(1);
    }
  });
});
