import { describe, expect, it } from "vitest";
import { parseMessages } from "../../../src/apps/messages/parse.ts";
import { TURNS_AHEAD } from "../../../src/core/plan/rounds.ts";
import { prepare } from "../../../src/turn/prepare.ts";
import { surroundings } from "./turn-fixtures.ts";

describe("a caller that marks its prompt as worth keeping", () => {
  it("is expected back for some turns, from its first one on", async () => {
    const hint = { cache_control: { type: "ephemeral" } };
    expect(await remainingTurns({})).toBe(1);
    expect(await remainingTurns(hint)).toBe(TURNS_AHEAD);
  });
});

/** Turns that a first request with these members is expected to be followed by. */
async function remainingTurns(members: object): Promise<number> {
  const { deps } = await surroundings(() => {
    throw new TypeError("no engine is asked");
  });
  const messages = [{ role: "user", content: "Hi" }];
  const body = JSON.stringify({ model: "large", max_tokens: 8, messages, ...members });
  const parsed = parseMessages(new TextEncoder().encode(body));
  if (!parsed.ok) throw new TypeError(parsed.error.message);
  const turn = {
    requestId: "req_1",
    receiptId: "rct_1",
    tenant: "acme",
    request: parsed.request,
    signal: new AbortController().signal,
    startedAt: deps.now(),
    explain: "short",
  } as const;
  const ref = { kind: "unknown", nameWith: async () => undefined } as const;
  return (await prepare(deps, turn, ref, "salt", {})).ask.remainingTurns;
}
