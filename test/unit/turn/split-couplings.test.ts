import { describe, expect, it } from "vitest";
import type { Coupling } from "../../../src/core/leg.ts";
import type { SettleAsk } from "../../../src/rpc/session-messages.ts";
import { failedOutcome } from "../../../src/turn/outcome.ts";
import { planTurn, tryPlacements } from "../../../src/turn/run-turn.ts";
import { settle } from "../../../src/turn/settle.ts";
import {
  answering,
  broken,
  coldTurn,
  type Engine,
  prefilled,
  surroundings,
} from "./turn-fixtures.ts";

/** Runs a cold turn, planned as a split, on engines whose legs meet in that way. */
async function tried(
  coupling: Coupling,
  engine: Engine,
  client = new AbortController(),
  maxAttempts = 1,
) {
  const around = await surroundings(engine);
  const { capabilities } = around.deps;
  const deps = {
    ...around.deps,
    settings: { ...around.deps.settings, maxAttempts },
    capabilities: (dialect: string) => ({ ...capabilities(dialect), coupling }),
  };
  const turn = await coldTurn(deps, client.signal);
  return { ...around, deps, turn, ...(await tryPlacements(deps, turn, planTurn(deps, turn))) };
}

/** An engine that answers once its leg is ended. */
const untilEnded = (signal: AbortSignal) =>
  new Promise<ReturnType<typeof broken>>((resolve) => {
    const end = () => resolve(broken("aborted"));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });

describe("legs that meet by a name", () => {
  it("are both sent before either has answered, under one name", async () => {
    let release = () => {};
    const decoding = new Promise<void>((resolve) => (release = resolve));
    const { ordered, result, runs } = await tried("rendezvous", async ({ leg }) => {
      if (leg === "decode") {
        release();
        return answering();
      }
      await decoding;
      return prefilled();
    });
    expect(ordered.map(({ leg }) => leg)).toEqual(["prefill", "decode"]);
    expect(ordered[0]?.split).toEqual(ordered[1]?.split);
    expect(ordered[0]?.split?.rendezvous).toMatch(/^[1-9]\d{0,15}$/);
    expect(result).toMatchObject({ ok: true, placement: { mode: "disaggregated" } });
    if (result.ok) await result.prefilled;
    expect(runs.find(({ leg }) => leg === "prefill")).toMatchObject({ outcome: "served" });
  });

  it("end with decode when prefill fails, and blame prefill alone", async () => {
    const { runs, result, reported } = await tried("rendezvous", ({ leg }, signal) =>
      leg === "prefill" ? broken("unreachable") : untilEnded(signal),
    );
    expect(result).toMatchObject({ ok: false, failure: { kind: "unreachable" } });
    expect(runs.map(({ leg, outcome, why }) => [leg, outcome, why])).toEqual([
      ["prefill", "failed", "unreachable"],
      ["decode", "cancelled", "its prefill leg ended"],
    ]);
    expect(reported.filter(({ event }) => event !== "first-token")).toHaveLength(2);
  });

  it("end with prefill when decode fails, and blame decode alone", async () => {
    const { runs, result } = await tried("rendezvous", ({ leg }, signal) =>
      leg === "decode" ? broken("unreachable") : untilEnded(signal),
    );
    expect(result).toMatchObject({ ok: false, failure: { kind: "unreachable" } });
    expect(runs.map(({ leg, outcome, why }) => [leg, outcome, why])).toEqual([
      ["prefill", "cancelled", "its decode leg failed"],
      ["decode", "failed", "unreachable"],
    ]);
  });

  it.each(["prefill", "decode"])(
    "are both to blame when %s has waited too long, as it may have waited for the other",
    async (silent) => {
      const { runs, result } = await tried("rendezvous", ({ leg }, signal) =>
        leg === silent ? broken("stalled") : untilEnded(signal),
      );
      expect(result).toMatchObject({ ok: false, failure: { kind: "stalled" } });
      expect(runs.map(({ outcome, failure }) => [outcome, failure])).toEqual([
        ["failed", "stalled"],
        ["failed", "stalled"],
      ]);
    },
  );

  it("leave prefill alone when it was done before decode stalled", async () => {
    let prefillOver = () => {};
    const isOver = new Promise<void>((resolve) => (prefillOver = resolve));
    const { runs } = await tried("rendezvous", async ({ leg }) => {
      if (leg === "prefill") {
        setTimeout(prefillOver);
        return prefilled();
      }
      await isOver;
      return broken("stalled");
    });
    expect(runs.map(({ leg, outcome }) => [leg, outcome])).toEqual([
      ["prefill", "served"],
      ["decode", "failed"],
    ]);
  });

  it("end together when the client leaves", async () => {
    const client = new AbortController();
    const { runs, result } = await tried(
      "rendezvous",
      ({ leg }, signal) => {
        if (leg === "decode") client.abort();
        return leg === "decode" ? answering() : untilEnded(signal);
      },
      client,
    );
    expect(result).toMatchObject({ ok: false, failure: { kind: "aborted" } });
    expect(runs.every(({ outcome }) => outcome === "cancelled")).toBe(true);
  });

  it("run one after the other while decode cannot be told who prefills", async () => {
    const { ordered, result } = await tried("rendezvous", ({ leg, handoff }) => {
      if (leg === "prefill") return prefilled();
      return handoff === undefined ? { ok: true, kind: "declined" } : answering();
    });
    expect(ordered.map(({ leg, handoff }) => [leg, handoff])).toEqual([
      ["prefill", undefined],
      ["decode", undefined],
      ["decode", '{"block":1}'],
    ]);
    expect(result.ok).toBe(true);
  });

  it("blame prefill alone where decode could not be sent without it", async () => {
    const { runs, reported } = await tried("rendezvous", ({ leg }) =>
      leg === "prefill" ? broken("unreachable") : { ok: true, kind: "declined" },
    );
    expect(runs.map(({ leg, outcome }) => [leg, outcome])).toEqual([
      ["prefill", "failed"],
      ["decode", "cancelled"],
    ]);
    expect(reported.map(({ event }) => event).toSorted()).toEqual(["failed", "released"]);
  });

  it("avoid the prefill engine that decode says is at fault, though it was done", async () => {
    let prefillOver = () => {};
    const isOver = new Promise<void>((resolve) => (prefillOver = resolve));
    const failure = { kind: "status", message: "handshake failed", blames: "other" } as const;
    const { asked } = await tried(
      "rendezvous",
      async ({ leg }) => {
        if (leg === "prefill") {
          setTimeout(prefillOver);
          return prefilled();
        }
        await isOver;
        return { ok: false, failure };
      },
      new AbortController(),
      2,
    );
    expect(asked.at(-1)?.avoid).toEqual(["cpx/0"]);
  });

  it("leave a session its decode engine that could not reach the prefill engine", async () => {
    const failure = { kind: "unreachable", message: "refused", blames: "other" } as const;
    const sent = await tried("rendezvous", ({ leg }, signal) =>
      leg === "prefill" ? untilEnded(signal) : { ok: false, failure },
    );
    const lost: (readonly string[])[] = [];
    const sessions = {
      open: async () => undefined,
      settle: async (_name: string, ask: SettleAsk) => void lost.push(ask.lost),
    };
    const session = { ...sent.turn.session, name: "0123456789abcdef01234567" };
    const outcome = failedOutcome(sent.deps, sent.turn, sent, failure);
    await settle({ ...sent.deps, sessions }, { ...sent.turn, session }, outcome, undefined);
    expect(lost).toEqual([["cpx/0"]]);
  });

  it("are over when the prefill engine has said everything", async () => {
    const { runs, result } = await tried("rendezvous", ({ leg }, signal) =>
      leg === "prefill" ? answering() : untilEnded(signal),
    );
    expect(result).toMatchObject({ ok: true, answer: { leg: "prefill" } });
    expect(result).toMatchObject({ placement: { mode: "together" } });
    expect(runs[1]).toMatchObject({ leg: "decode", outcome: "cancelled" });
  });
});

describe("legs that meet in a store", () => {
  it("are one when decode holds enough", async () => {
    const { ordered, result } = await tried("decode-first", () => answering());
    expect(ordered.map(({ leg }) => leg)).toEqual(["decode"]);
    expect(ordered[0]?.cacheThreshold).toBeGreaterThan(0);
    expect(ordered[0]?.cacheThreshold).toBeLessThanOrEqual(1);
    expect(result).toMatchObject({ ok: true, redecided: true, placement: { mode: "together" } });
  });

  it("are prefill and decode again when decode declines", async () => {
    const { ordered, result, runs, reported } = await tried(
      "decode-first",
      ({ leg, cacheThreshold }) => {
        if (leg === "prefill") return prefilled();
        return cacheThreshold === undefined ? answering() : { ok: true, kind: "declined" };
      },
    );
    expect(ordered.map(({ leg }) => leg)).toEqual(["decode", "prefill", "decode"]);
    expect(result).toMatchObject({ ok: true, placement: { mode: "disaggregated" } });
    expect(runs.map(({ leg, outcome }) => [leg, outcome])).toEqual([
      ["decode", "cancelled"],
      ["prefill", "served"],
      ["decode", undefined],
    ]);
    // What declined has not given its place up.
    expect(reported.map(({ event }) => event)).toEqual(["done", "first-token"]);
  });

  it("give decode's place back when prefill fails", async () => {
    const { result, reported } = await tried("decode-first", ({ leg }) =>
      leg === "prefill" ? broken("stalled") : { ok: true, kind: "declined" },
    );
    expect(result).toMatchObject({ ok: false, failure: { kind: "stalled" } });
    expect(reported.map(({ event }) => event)).toEqual(["failed", "released"]);
  });
});

describe("legs that one request runs", () => {
  it("are reserved both, sent as one, and both in the books", async () => {
    const { asked, ordered, runs } = await tried("sidecar", () => answering());
    expect(asked.map(({ leg }) => leg)).toEqual(["decode", "prefill"]);
    expect(ordered.map(({ leg, split }) => [leg, split?.prefill])).toEqual([["decode", "cpx/0"]]);
    expect(runs.map(({ leg, outcome }) => [leg, outcome])).toEqual([
      ["prefill", "served"],
      ["decode", undefined],
    ]);
  });

  it("fail together, as nobody told which of them did", async () => {
    const { runs, result } = await tried("sidecar", () => broken("stalled"));
    expect(result.ok).toBe(false);
    expect(runs.map(({ outcome }) => outcome)).toEqual(["failed", "failed"]);
    expect(runs[0]?.why).toContain("not told");
  });
});
