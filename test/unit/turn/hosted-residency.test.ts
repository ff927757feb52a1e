import { expect, it } from "vitest";
import { parseChat } from "../../../src/apps/chat/parse.ts";
import type { OpenAnswer } from "../../../src/rpc/session-messages.ts";
import { prepare } from "../../../src/turn/prepare.ts";
import { fleet, pool } from "../plan/plan-fixtures.ts";
import { answering, surroundings } from "./turn-fixtures.ts";

const MINUTE_MS = 60_000;

it("believes what a hosted pool holds only as long as it keeps it, and in its steps", async () => {
  const { held } = await turnAfter(5 * MINUTE_MS);
  expect(held).toEqual({ "api/0": 5120, "h200/0": 5200 });
  expect((await turnAfter(5 * MINUTE_MS + 1)).held).toEqual({ "api/0": 0, "h200/0": 5200 });
});

/** A turn of 6,000 tokens in a session that had 5,200 of them computed in both pools a while ago. */
async function turnAfter(agoMs: number) {
  const api = { routed: "itself", engineCount: 1, perMTok: { in: 1, cached: 0, out: 1 } } as const;
  const planned = fleet({ poolList: [pool("api", api), pool("h200", { engineCount: 1 })] });
  const { deps } = await surroundings(() => answering(), {}, planned);
  const opened: OpenAnswer = {
    v: 1,
    branch: 0,
    turns: 1,
    holdings: ["api/0", "h200/0"].map((engine) => ({
      engine,
      links: 1,
      tokens: 5200,
      tier: "hbm",
      known: "reported",
      at: deps.now() - agoMs,
    })),
    stats: {
      turns: 1,
      promptTokens: 5000,
      cachedTokens: 0,
      outputTokens: 200,
      usd: 0,
      firstAt: 0,
      lastAt: 0,
      outputPerTurn: 40,
      savedUsd: 0,
      newPromptPerTurn: 800,
      gapMs: 0,
      charsPerToken: 4,
    },
  };
  const known = { ...deps, sessions: { ...deps.sessions, open: async () => opened } };
  const messages = [{ role: "user", content: "word ".repeat(4800) }];
  const body = JSON.stringify({ model: "large", messages, max_tokens: 300 });
  const parsed = parseChat(new TextEncoder().encode(body));
  if (!parsed.ok) throw new TypeError(parsed.error.message);
  const turn = await prepare(
    known,
    {
      requestId: "req_1",
      receiptId: "rct_1",
      tenant: "acme",
      request: parsed.request,
      signal: new AbortController().signal,
      startedAt: deps.now(),
      explain: "short",
    },
    { kind: "named", name: "s" },
    "salt",
    {},
  );
  return turn;
}
