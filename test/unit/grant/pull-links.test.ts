import { describe, expect, it } from "vitest";
import { pullLinksOf } from "../../../src/core/grant/pull-links.ts";
import type { Fleet, Link } from "../../../src/core/fleet.ts";
import { fleet, link, MODEL, pool } from "../plan/plan-fixtures.ts";

const yes = () => true;

function linksOf(links: readonly Link[], changes: Partial<Fleet> = {}) {
  const poolList = [
    pool("bulk", { roles: ["prefill"] }),
    pool("decode", { roles: ["decode"] }),
    pool("other", { kvLayout: "70b/fp8" }),
  ];
  return pullLinksOf(fleet({ poolList, ...changes, links }), yes);
}

describe("where engines may pull from", () => {
  it("is told by the links that lead to where prompts are prefilled, to itself included", () => {
    const links = linksOf([link("bulk", "bulk"), link("decode", "bulk"), link("bulk", "decode")]);
    expect([...links.keys()]).toEqual(["bulk"]);
    expect(links.get("bulk")?.map(({ from }) => from)).toEqual(["bulk", "decode"]);
  });

  it("costs what the link takes for the whole prefix", () => {
    const [found] =
      linksOf([link("bulk", "bulk", { gbps: 80, perFlowGbps: 10 })]).get("bulk") ?? [];
    // Four fifths of 10 Gb/s.
    const msPerToken = MODEL.kvBytesPerToken / 1e6;
    expect(found?.cost).toEqual({
      fixedMs: 1,
      msPerToken: expect.closeTo(msPerToken),
      movesAll: true,
    });
  });

  it("is the faster of two links, and no link between caches that differ", () => {
    const slow = link("bulk", "bulk", { perFlowGbps: 1 });
    const fast = link("bulk", "bulk", { perFlowGbps: 100 });
    const only = linksOf([fast]).get("bulk");
    expect(linksOf([slow, fast, link("other", "bulk")]).get("bulk")).toEqual(only);
    expect(linksOf([fast, slow]).get("bulk")).toEqual(only);
  });

  it("is not an endpoint that chooses among its engines itself", () => {
    const poolList = [pool("bulk"), pool("api", { routed: "itself" })];
    const links = [link("api", "bulk"), link("bulk", "api"), link("api", "api")];
    expect(pullLinksOf(fleet({ poolList, links }), yes).size).toBe(0);
  });

  it("is nowhere where engines cannot", () => {
    const poolList = [pool("bulk")];
    expect(pullLinksOf(fleet({ poolList, links: [link("bulk", "bulk")] }), () => false).size).toBe(
      0,
    );
  });
});
