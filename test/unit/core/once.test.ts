import { describe, expect, it } from "vitest";
import { claimOnce, type Once, RUN_LEASE_MS } from "../../../src/core/once.ts";

const ask = { fingerprint: "f", run: "r1", now: 1000 };
const first = claimOnce(undefined, ask);
const running = (first.kind === "run" ? first.once : undefined) as Once;

describe("an idempotency key", () => {
  it("lets the first run, and the same run again", () => {
    expect(first).toMatchObject({
      kind: "run",
      once: { run: "r1", runsUntil: 1000 + RUN_LEASE_MS },
    });
    expect(claimOnce(running, ask)).toMatchObject({ kind: "run" });
  });

  it("has others wait while it runs, until the run was not heard of for long", () => {
    const other = { ...ask, run: "r2" };
    expect(claimOnce(running, other)).toEqual({ kind: "running" });
    const later = { ...other, now: running.runsUntil };
    expect(claimOnce(running, later)).toMatchObject({ kind: "run", once: { run: "r2" } });
  });

  it("is another request's no more, running or answered", () => {
    const answer = { kind: "too-large" } as const;
    const asked = { ...ask, fingerprint: "g" };
    expect(claimOnce(running, asked)).toEqual({ kind: "other-request" });
    expect(claimOnce({ ...running, answer }, asked)).toEqual({ kind: "other-request" });
  });

  it("answers as its run was answered", () => {
    const answer = { kind: "kept", status: 200, headers: {}, parts: 1 } as const;
    expect(claimOnce({ ...running, answer }, ask)).toEqual({ kind: "answered", answer });
  });
});
