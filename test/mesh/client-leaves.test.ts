import { beforeAll, describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import type { LocalMesh } from "../../workers/local/mesh.ts";
import { get, readReceipt, words } from "../support/ask.ts";
import { Engines, type Leg } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { engineNames } from "../support/mesh-file.ts";
import { RawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

/** A long cold prompt takes about a second to prefill and, at the link speed set below, as long to hand over. */
const TIME_FACTOR = 0.4;
const LINK_GBPS = 100;
const PROMPT_WORDS = 20_000;

let mesh: LocalMesh;
let engines: Engines;

/** Those that a split of a cold prompt from this edge may use; fewer are quicker to ask. */
function mayServe(engine: string): boolean {
  return /^(cpx|h200)-/.test(engine);
}

type Moment = "in prefill" | "between legs" | "in transfer" | "in decode";
type Way = "reset" | "close";

type Case = readonly [moment: Moment, way: Way, stream: boolean];

const STREAMED: readonly Case[] = [
  ["in prefill", "reset", true],
  ["between legs", "reset", true],
  ["in transfer", "reset", true],
  ["in decode", "reset", true],
];
const OTHERS: readonly Case[] = [
  ["in prefill", "close", true],
  ["in transfer", "close", true],
  ["in decode", "close", true],
  ["in prefill", "reset", false],
  ["between legs", "reset", false],
  ["in transfer", "reset", false],
  ["in decode", "reset", false],
];

describe.each<[string, boolean, readonly Case[]]>([
  ["a mesh whose edges run its legs", false, [...STREAMED, ...OTHERS]],
  ["a mesh whose regions run their legs", true, STREAMED],
])("a client that leaves %s", (_, regionWorkers, cases) => {
  const turnSettings = { keepAliveMs: 50 };
  const started = useMesh({ timeFactor: TIME_FACTOR, turnSettings, regionWorkers });

  beforeAll(async () => {
    mesh = started.mesh;
    engines = new Engines(mesh, engineNames().filter(mayServe));
    const decoders = engines.names.filter((name) => name.startsWith("h200-"));
    for (const name of decoders) await engines.settings(name, { linkGbps: LINK_GBPS });
  });

  it.each(cases)(
    "%s by a %s (streamed: %s) ends every leg in its safe way",
    async (moment, way, stream) => {
      const left = await leave(moment, way, stream);
      const legs = await left.settled();
      const prefill = legs.find(({ leg }) => leg === "prefill");
      const decode = legs.find(({ leg }) => leg === "decode");
      expect(legs.length, "one leg of each kind at most").toBe(decode === undefined ? 1 : 2);
      if (moment === "in prefill") {
        expect(prefill?.status).toBe("aborted");
        expect(prefill?.endedAt).toBeLessThan(left.at + 1000);
        expect(decode, "nothing is left to decode").toBeUndefined();
      } else {
        expect(prefill?.status).toBe("done");
        expect(decode?.status).toBe("aborted");
        // What is in transfer ends safely at its first token only, which comes at once after the transfer.
        const safeAt = moment === "in decode" ? left.at : left.transferredAt();
        expect(decode?.endedAt).toBeLessThan(safeAt + 1000);
      }
      expect(await receiptOfSession(left.session)).toMatchObject({ status: "cancelled" });
      await engines.quiet(1000);
    },
  );
});

const IAD = 1;
const NRT = 2;
let sessions = 0;

/** Asks for a split request, waits for the moment, and leaves. */
async function leave(moment: Moment, way: Way, stream: boolean) {
  sessions += 1;
  const session = `leaving-${sessions}`;
  const since = Date.now();
  const messages = [{ role: "user", content: words(`l${sessions}w`, PROMPT_WORDS) }];
  const question = { session, messages, stream, maxTokens: 2000 };
  // From far away, so that the end of prefill is still on its way when the client, which knows it at once, leaves.
  const edge = moment === "between legs" ? NRT : IAD;
  const client = await RawClient.ask(mesh, { ...question, edge });
  const prefill = await until("the prefill leg to begin", async () =>
    (await engines.legsSince(since)).find(({ leg }) => leg === "prefill"),
  );
  const own = (leg: Leg) => leg.requestId === prefill.requestId;
  const legs = async () => (await engines.legsSince(since)).filter(own);
  const isOver = async () => {
    const { leasedBlocks } = await engines.state(prefill.engine);
    return leasedBlocks > 0 ? true : undefined;
  };
  if (moment === "between legs") {
    await until("the prefill leg to end", isOver, 5000, 2);
  } else if (moment !== "in prefill") {
    await until("the decode leg to begin", async () => (await legs()).find(isDecode));
  }
  if (moment === "in decode") await transferred(prefill.engine);
  if (moment === "in decode" && stream) await client.hears(/"content":"[^"]+"/);
  const at = Date.now();
  if (way === "reset") client.reset();
  else client.close();
  let transferredAt = 0;
  if (moment === "in transfer" || moment === "between legs") {
    await transferred(prefill.engine);
    transferredAt = Date.now();
  }
  return {
    session,
    at,
    transferredAt: () => transferredAt,
    /** The request's legs, once the last of them has ended. */
    settled: () =>
      until("the legs to end", async () => {
        const now = await legs();
        return now.every(({ status }) => status !== "running") ? now : undefined;
      }),
  };
}

/** Resolves when the prefill engine's blocks have been fetched. */
async function transferred(prefillEngine: string): Promise<void> {
  await until("the transfer to end", async () => {
    const { leasedBlocks } = await engines.state(prefillEngine);
    return leasedBlocks === 0 ? true : undefined;
  });
}

function isDecode({ leg }: Leg): boolean {
  return leg === "decode";
}

async function receiptOfSession(session: string): Promise<Receipt> {
  const id = await until("the session to know its turn", async () => {
    const response = await get(mesh, `sessions/${session}`);
    if (!response.ok) return undefined;
    const { recentTurns } = (await response.json()) as { recentTurns: { receipt: string }[] };
    return recentTurns[0]?.receipt;
  });
  return readReceipt(mesh, id);
}
