import { describe, expect, it } from "vitest";
import { Conversation } from "../support/conversation.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";

const NAMES = [0, 1, 2].map((n) => `large/${n}`);
/** Much faster, and hiccups of the machine pass for slow engines. */
const TIME_FACTOR = 0.25;
const AGENTS = 3;

const started = useMesh({ mesh: meshOfOnePool(), timeFactor: TIME_FACTOR });

describe("an engine that says that it is idle and found all in its cache, and is slow and computes all", () => {
  it("loses its conversations within 20 requests", async () => {
    const { mesh } = started;
    const engines = new Engines(mesh, NAMES);
    const agents = Array.from({ length: AGENTS }, (_, n) => {
      const session = `lied-to-${n}`;
      return new Conversation(session, { session, maxTokens: 24 });
    });
    let turns = 0;
    const take = async (count: number) => {
      for (const until = turns + count; turns < until; turns += 1) {
        await agents[turns % AGENTS]?.turn(mesh, turns % AGENTS, turns < AGENTS ? 2500 : 100);
      }
    };
    const asked = async (liar: string, since: number) => {
      const legs = await engines.legsSince(since);
      return legs.filter(({ engine, requestId }) => engine === liar && !isProbe(requestId)).length;
    };
    await take(2 * AGENTS);
    const liar = await engines.busiest(NAMES, ({ requestId }) => !isProbe(requestId));
    await engines.settings(liar, { lies: true });
    await engines.fault(liar, "slow", { factor: 4 });
    const liesSince = Date.now();
    await take(20);
    const foundOutAt = Date.now();
    expect(await asked(liar, liesSince), "turns before that").toBeGreaterThan(0);
    await take(15);
    expect(await asked(liar, foundOutAt), "turns after that").toBe(0);
  });
});

/** Whether an engine tells its cached tokens is found out by asking it twice. */
function isProbe(requestId: string): boolean {
  return requestId.startsWith("probe_");
}

/** A mesh in which the large model has one pool of three engines that do both phases. */
function meshOfOnePool() {
  const file = meshFile();
  const small = Object.entries(file.pools).filter(([name]) => /^(groq|h100|embed)-/.test(name));
  const engines = [0, 1, 2].map((n) => ({
    id: `${n}`,
    url: `http://127.0.0.1:9100/large/${n}`,
  }));
  const large = ["large", { ...(file.pools["h200-use1"] as object), devices: 2, engines }] as const;
  return { ...file, pools: Object.fromEntries([...small, large]), links: [], rules: [] };
}
