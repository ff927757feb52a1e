import { describe, expect, it } from "vitest";
import { ask, receiptOf, words } from "../support/ask.ts";
import { Engines } from "../support/engines.ts";
import { useMesh } from "../support/local-mesh.ts";
import { meshFile } from "../support/mesh-file.ts";

const POOL = "h200-ams";
const LONG = 6000;
const SHORT = 200;

describe("more prompts at once than two engines can take in", () => {
  const started = useMesh(async () => {
    const mesh = meshFile();
    // Pools of the small model may stay: they are not asked.
    const kept = Object.entries(mesh.pools).filter(([name]) =>
      /^(groq|embed|h100-|h200-ams)/.test(name),
    );
    const pools = Object.fromEntries(kept);
    return { mesh: { ...mesh, pools, links: [], rules: [] }, timeFactor: 0.1 };
  });

  it("wait in the mesh's queue, short ones before long ones, and are all answered", async () => {
    const { mesh } = started;
    const lengths = [...Array.from({ length: 10 }, () => LONG), SHORT, SHORT];
    const seen = await Promise.all(
      lengths.map((length, n) =>
        ask(mesh, {
          edge: 0,
          maxTokens: 4,
          messages: [{ role: "user", content: words(`q${n}w`, length) }],
        }),
      ),
    );
    expect(seen.map(({ done }) => done)).toEqual(lengths.map(() => true));
    const receipts = await Promise.all(seen.map((one) => receiptOf(mesh, one, 0)));
    const reasons = receipts.map(({ segments }) => segments.at(-1)?.reason ?? "");
    expect(reasons.filter((reason) => reason.includes("in the queue")).length).toBeGreaterThan(3);
    const endOf = (n: number) => receipts[n]?.endedAt ?? Infinity;
    const lastLong = Math.max(...lengths.map((length, n) => (length === LONG ? endOf(n) : 0)));
    expect(Math.max(endOf(10), endOf(11))).toBeLessThan(lastLong);
    await new Engines(mesh, [`${POOL}/0`, `${POOL}/1`]).quiet();
  });
});
