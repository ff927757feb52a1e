import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { keyedName } from "../../src/turn/session-name.ts";
import type { SessionView } from "../../src/rpc/session-messages.ts";
import { type LocalMesh, startMesh } from "../../workers/local/mesh.ts";
import { get } from "../support/ask.ts";
import { Conversation } from "../support/conversation.ts";
import { useMesh } from "../support/local-mesh.ts";

const started = useMesh({ timeFactor: 0.02 });

describe("a conversation whose turns alternate between edges", () => {
  it("stays one session when the client names it", async () => {
    await expectOneSession(new Conversation("named", { session: "alternating" }));
  });

  it("stays one session when the client does not", async () => {
    await expectOneSession(new Conversation("inferred"));
  });

  async function expectOneSession(conversation: Conversation): Promise<void> {
    const { mesh } = started;
    const receipts = [];
    for (const edge of [0, 1, 0, 1, 2]) receipts.push(await conversation.turn(mesh, edge));
    expect(receipts.map(({ turn }) => turn)).toEqual([1, 2, 3, 4, 5]);
    expect(receipts.map(({ edge }) => edge)).toEqual(["ams", "iad", "ams", "iad", "nrt"]);
    const [session, ...others] = new Set(receipts.map((receipt) => receipt.session));
    expect(others).toEqual([]);
    const { branches, stats } = await view(mesh, session ?? "none");
    expect(branches.map(({ branch, turns }) => ({ branch, turns }))).toEqual([
      { branch: 0, turns: 5 },
    ]);
    expect(stats.turns).toBe(5);
  }
});

describe("a session object that goes away between turns", () => {
  it("continues its conversation where it was, residency included, when it was evicted", async () => {
    const { mesh } = started;
    const conversation = new Conversation("evicted", { session: "evicted" });
    const name = await keyedName("local", "evicted");
    // Long enough that going back to its cache beats an engine near the other edge.
    await conversation.turn(mesh, 1, 6000);
    for (let turn = 2; turn <= 5; turn += 1) {
      const before = await view(mesh, "evicted");
      await mesh.evict("Session", name);
      expect(await view(mesh, "evicted")).toEqual(before);
      await mesh.evict("Session", name);
      const receipt = await conversation.turn(mesh, turn % 2);
      expect(receipt.turn).toBe(turn);
      expect(receipt.predicted.cachedTokens, "what residency promised").toBeGreaterThan(500);
    }
    expect((await view(mesh, "evicted")).branches).toHaveLength(1);
  });

  it("loses nothing when it is evicted while its turns run", async () => {
    const { mesh } = started;
    const sessions = Array.from({ length: 10 }, (_, n) => `busy-${n}`);
    const all = { running: true };
    let evictions = 0;
    const evicting = (async () => {
      while (all.running) {
        for (const session of sessions) {
          const name = await keyedName("local", session);
          // One that is out of memory already cannot be evicted.
          await mesh.evict("Session", name).then(
            () => (evictions += 1),
            () => {},
          );
        }
      }
    })();
    const turns = sessions.map(async (session, n) => {
      const conversation = new Conversation(session, { session, model: "small" });
      const numbers = [];
      for (let turn = 0; turn < 6; turn += 1) {
        numbers.push((await conversation.turn(mesh, n % 3)).turn);
      }
      return numbers;
    });
    const numbers = await Promise.all(turns).finally(() => (all.running = false));
    await evicting;
    expect(evictions).toBeGreaterThan(sessions.length);
    expect(numbers).toEqual(sessions.map(() => [1, 2, 3, 4, 5, 6]));
  });

  it("continues its conversation after the whole mesh was started again", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "phaseway-test-"));
    const conversation = new Conversation("again", { session: "again" });
    const receipts = [];
    try {
      for (let start = 0; start < 2; start += 1) {
        const mesh = await startMesh({ timeFactor: 0.02, stateDir });
        try {
          for (let turn = 0; turn < 2; turn += 1) {
            receipts.push(await conversation.turn(mesh, 1, 300));
          }
          expect((await view(mesh, "again")).branches[0]?.residency).not.toEqual([]);
        } finally {
          await mesh.stop();
        }
      }
    } finally {
      await rm(stateDir, { recursive: true, force: true });
    }
    expect(receipts.map(({ turn }) => turn)).toEqual([1, 2, 3, 4]);
    expect(new Set(receipts.map(({ session }) => session)).size).toBe(1);
    // The first turn after the start is planned with what the session knew before it.
    expect(receipts[2]?.predicted.cachedTokens).toBeGreaterThan(500);
  });
});

async function view(mesh: LocalMesh, session: string): Promise<SessionView> {
  const response = await get(mesh, `sessions/${session}`);
  expect(response.status, `session ${session}`).toBe(200);
  return (await response.json()) as SessionView;
}
