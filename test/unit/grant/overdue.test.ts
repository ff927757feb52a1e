import { describe, expect, it } from "vitest";
import { overdueMs, REPORTS_LATE_MS } from "../../../src/core/grant/overdue.ts";
import { firstToken, released } from "../../../src/core/grant/report.ts";
import { chainOf, granted, grantAsk, region } from "./grant-fixtures.ts";

const other = grantAsk({ requestId: "r2", ...chainOf([20, 21], 5000) });
const engineOf = (state: ReturnType<typeof region>) => {
  const engine = state.pools.get("h200")?.engines[0];
  if (engine === undefined) throw new TypeError("no such engine");
  return engine;
};

describe("an engine that is late with a first token", () => {
  it("is left alone for another that is free, though its own work is the least", () => {
    const state = region({ engineCount: 2 });
    const late = granted(state, grantAsk());
    const nowMs = late.prefillMs + REPORTS_LATE_MS + 5000;
    const again = { ...grantAsk({ requestId: "r2" }) };
    expect(granted(state, again, nowMs).engine).not.toBe(late.engine);
  });

  it("is late by what has passed since the report could have been there", () => {
    const state = region({ engineCount: 1 });
    granted(state, grantAsk());
    const dueAt = engineOf(state).backlogUntil + REPORTS_LATE_MS;
    expect(overdueMs(engineOf(state), dueAt)).toBe(0);
    expect(overdueMs(engineOf(state), dueAt + 700)).toBe(700);
  });

  it("is not late any more when it has spoken, or nobody waits for it", () => {
    const state = region({ engineCount: 1 });
    const first = granted(state, grantAsk());
    const second = granted(state, other);
    firstToken(state, first.ticket, 9000);
    released(state, second.ticket, 9000);
    expect(overdueMs(engineOf(state), 20_000)).toBe(0);
  });

  it("is given work all the same where every engine is late", () => {
    const state = region({ engineCount: 1 });
    granted(state, grantAsk());
    expect(granted(state, other, 9000).startAt).toBe(9000);
  });
});
