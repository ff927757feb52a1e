import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { keyedName } from "../../src/turn/session-name.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { ask, words } from "../support/ask.ts";
import { Conversation } from "../support/conversation.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";

const REGIONS = Object.keys(meshFile()["regions"] as object).map((region) => `${region}@1`);

describe("a mesh that loses its regions' memory under load", () => {
  const started = useMesh({ timeFactor: 0.1 });

  it("loses no request", async () => {
    const { mesh } = started;
    const asking = Array.from({ length: STREAMS }, async (_, n) => {
      await sleep(n * SPACING_MS);
      const content = words(`e${n}w`, n % 3 === 0 ? 5000 : 150);
      const messages = [{ role: "user", content }];
      return ask(mesh, { edge: n % 3, maxTokens: 100, messages });
    });
    let evicted = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      await sleep((STREAMS * SPACING_MS) / ROUNDS);
      evicted += await evictAll(mesh, "Region", REGIONS);
    }
    expect(evicted).toBeGreaterThanOrEqual(ROUNDS);
    const seen = await Promise.all(asking);
    expect(seen.filter(({ done }) => !done).map(({ text }) => text)).toEqual([]);
  });
});

describe("conversations whose Region and Session objects are all evicted while their turns run", () => {
  // Much faster, and hiccups of the machine pass for slow engines, which conversations leave.
  const started = useMesh({ timeFactor: 0.3 });

  it("find more than nine tenths of what was sent before from the very next turn on", async () => {
    const { mesh } = started;
    // What all of them begin with tells nothing of which engine holds a conversation.
    const preamble = { role: "system", content: words("preamble", 500) };
    const names = Array.from({ length: AGENTS }, (_, n) => `evicted-${n}`);
    const agents = names.map(
      (session) => new Conversation(session, { session, messages: [preamble], maxTokens: 60 }),
    );
    const objects = await Promise.all(names.map((name) => keyedName("local", name)));
    const turns: Receipt[][] = [];
    for (let turn = 0; turn < TURNS; turn += 1) {
      const running = agents.map(async (agent, n) => {
        await sleep((n % 4) * SPACING_MS);
        return agent.turn(mesh, n % 3, turn === 0 ? 1500 : 150);
      });
      if (turn === EVICTED_IN) {
        await sleep(4 * SPACING_MS);
        expect(await evictAll(mesh, "Session", objects)).toBe(AGENTS);
        expect(await evictAll(mesh, "Region", REGIONS)).toBeGreaterThan(1);
      }
      // A turn that fails throws.
      turns.push(await Promise.all(running));
    }
    const shares = turns.slice(1).map((receipts, n) => shareFound(turns[n] ?? [], receipts));
    console.log("of what was sent before, found by turn:", shares);
    const [before, , ...after] = shares.slice(EVICTED_IN - 2);
    expect(before).toBeGreaterThan(0.9);
    expect(Math.min(...after)).toBeGreaterThan(0.9);
  });
});

const STREAMS = 60;
const SPACING_MS = 20;
const ROUNDS = 4;
const AGENTS = 24;
const TURNS = 6;
const EVICTED_IN = 3;

/** Prompt tokens that no leg prefilled, as a share of those that any engine of the mesh had prefilled or written before. */
function shareFound(before: readonly Receipt[], now: readonly Receipt[]): number {
  const sum = (receipts: readonly Receipt[], of: (receipt: Receipt) => number) =>
    receipts.reduce((total, receipt) => total + of(receipt), 0);
  const prompts = sum(now, ({ promptTokens }) => promptTokens);
  const computed = sum(now, ({ work }) =>
    work.reduce((total, { computedTokens }) => total + (computedTokens ?? 0), 0),
  );
  return (prompts - computed) / sum(before, (one) => one.promptTokens + one.outputTokens);
}

/** How many of these were in memory: those that nobody has asked lately are not. */
async function evictAll(
  mesh: LocalMesh,
  className: "Session" | "Region",
  names: readonly string[],
): Promise<number> {
  const gone = await Promise.allSettled(names.map((name) => mesh.evict(className, name)));
  return gone.filter(({ status }) => status === "fulfilled").length;
}
