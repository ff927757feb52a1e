import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { builtInDevices } from "../../../src/config/devices.ts";
import type { Model } from "../../../src/core/fleet.ts";
import {
  decideExport,
  type ExportFacts,
  importMs,
} from "../../../src/core/kv-export/decide-export.ts";
import { kvTiers, type KvTier } from "../../../src/core/kv-export/tiers.ts";
import { speedOf } from "../../../src/core/speed.ts";

const LLAMA_70B = { activeParams: 70.6e9, layers: 80, attnDim: 8192, kvBytesPerToken: 327_680 };
const LLAMA_8B = { activeParams: 8.03e9, layers: 32, attnDim: 4096, kvBytesPerToken: 131_072 };
const LLAMA_1B = { activeParams: 1.24e9, layers: 16, attnDim: 2048, kvBytesPerToken: 32_768 };

describe("an export of KV cache after a turn", () => {
  it("is refused for a 70B model on GPUs: 8,000 tokens are 2.6 GB", () => {
    const decided = decideExport(facts("h200", LLAMA_70B, 8000, { devices: 4 }));
    expect(decided.tier).toBeUndefined();
    expect(rules(decided)).toEqual(["reuse", "edge too-large", "object too-large"]);
  });

  it("is refused for a 70B model on GPUs however short: computing it is quicker", () => {
    const decided = decideExport(facts("h200", LLAMA_70B, 500, { devices: 4 }));
    expect(decided.tier).toBeUndefined();
    expect(rules(decided)).toContain("object recompute-is-quicker");
  });

  it("is refused for an 8B model on a GPU: 36 ms of H100 against a second of the link", () => {
    const decided = decideExport(facts("h100", LLAMA_8B, 1000));
    expect(decided.tier).toBeUndefined();
    expect(rules(decided)).toEqual(["reuse", "edge too-large", "object recompute-is-quicker"]);
    expect(decided.terms.recomputeMs).toBeLessThan(60);
    expect(decided.reasons.at(-1)?.says).toContain("131 MB");
  });

  it("is accepted for llama.cpp on a CPU, in the session's rows where it fits", () => {
    const decided = decideExport(facts("cpu", LLAMA_1B, 200));
    expect(decided.tier).toBe("edge");
    expect(rules(decided)).toContain("edge worth-it");
  });

  it("is accepted for a larger model on a CPU, in R2", () => {
    expect(decideExport(facts("cpu", LLAMA_1B, 2000)).tier).toBe("object");
    expect(decideExport(facts("cpu", LLAMA_8B, 1000)).tier).toBe("object");
  });

  it("costs more than it saves where the next turn will hardly need it", () => {
    const quick = { turns: 1, gapMs: 1 };
    const decided = decideExport({
      ...facts("cpu", LLAMA_1B, 200),
      rhythm: quick,
      usdPerMs: 1e-9,
    });
    expect(decided.tier).toBeUndefined();
    expect(rules(decided)).toContain("edge costs-more");
  });

  it("is refused for turns that come after the session is forgotten", () => {
    const slow = { turns: 20, gapMs: 10_000_000 };
    const { terms } = decideExport({ ...facts("cpu", LLAMA_1B, 2000), rhythm: slow, keptMs: 1000 });
    expect(terms.reuse).toBeLessThan(0.001);
  });

  it("does what its pool says, within what the tiers take", () => {
    const gpu = facts("h100", LLAMA_8B, 50);
    expect(decideExport({ ...gpu, mode: "always" }).tier).toBe("edge");
    const large = facts("h100", LLAMA_8B, 5000);
    expect(decideExport({ ...large, mode: "always" }).tier).toBeUndefined();
    const cpu = decideExport({ ...facts("cpu", LLAMA_1B, 200), mode: "never" });
    expect(cpu).toMatchObject({ tier: undefined, reasons: [{ rule: "never" }] });
  });

  it("keeps nothing of nothing", () => {
    expect(decideExport({ ...facts("cpu", LLAMA_1B, 0) }).tier).toBeUndefined();
  });
});

describe("every decision to export", () => {
  const anyFacts: fc.Arbitrary<ExportFacts> = fc.record({
    tokens: fc.integer({ min: 1, max: 200_000 }),
    bytes: fc.integer({ min: 1, max: 1e9 }),
    recomputeMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    rhythm: fc.record({
      turns: fc.integer({ min: 1, max: 200 }),
      gapMs: fc.integer({ min: 1, max: 1e8 }),
    }),
    keptMs: fc.constant(86_400_000),
    tiers: fc.constant(offers(["edge", "object"])),
    usdPerMs: fc.double({ min: 1e-9, max: 1e-4, noNaN: true }),
  });

  it("fits its tier, is quicker than computing, and gives a reason for every tier", () => {
    fc.assert(
      fc.property(anyFacts, (asked) => {
        const { tier, reasons, terms } = decideExport(asked);
        expect(reasons).toHaveLength(3);
        if (tier === undefined) return;
        expect(asked.bytes).toBeLessThanOrEqual(kvTiers[tier].maxBytes);
        expect(importMs(kvTiers[tier].link, asked.bytes)).toBeLessThan(asked.recomputeMs);
        expect(terms.reuse).toBeGreaterThan(0);
      }),
    );
  });

  it("holds for a slower engine, more turns and dearer time as well", () => {
    fc.assert(
      fc.property(anyFacts, fc.integer({ min: 1, max: 100 }), (asked, more) => {
        if (decideExport(asked).tier === undefined) return;
        const slower = { ...asked, recomputeMs: asked.recomputeMs * more };
        const longer = { ...asked, rhythm: { ...asked.rhythm, turns: asked.rhythm.turns + more } };
        const dearer = { ...asked, usdPerMs: asked.usdPerMs * more };
        for (const one of [slower, longer, dearer]) expect(decideExport(one).tier).toBeDefined();
      }),
    );
  });

  it("is refused for a slower link as well, where it was for this one", () => {
    fc.assert(
      fc.property(anyFacts, fc.integer({ min: 2, max: 100 }), (asked, slower) => {
        if (decideExport(asked).tier !== undefined) return;
        const tiers = asked.tiers.map(({ tier, link }) => ({
          tier,
          link: { ...link, gbps: link.gbps / slower },
        }));
        expect(decideExport({ ...asked, tiers }).tier).toBeUndefined();
      }),
    );
  });
});

type Shape = Pick<Model, "activeParams" | "layers" | "attnDim" | "kvBytesPerToken">;

/** A conversation of eight turns, a minute apart, whose user waits at a tenth of a cent a second. */
function facts(
  deviceName: string,
  model: Shape,
  tokens: number,
  { devices = 1 }: { devices?: number } = {},
): ExportFacts {
  const device = builtInDevices.get(deviceName);
  if (device === undefined) throw new TypeError(deviceName);
  const speed = speedOf({ devices }, device, { ...model, weightBytes: 0 } as Model);
  return {
    tokens,
    bytes: tokens * model.kvBytesPerToken,
    recomputeMs: speed.prefillMs(tokens, 0),
    rhythm: { turns: 8, gapMs: 60_000 },
    keptMs: 86_400_000,
    tiers: offers(["edge", "object"]),
    usdPerMs: 0.001 / 1000 + speed.usdPerMs,
  };
}

function offers(tiers: readonly KvTier[]) {
  return tiers.map((tier) => ({ tier, link: kvTiers[tier].link }));
}

function rules({ reasons }: ReturnType<typeof decideExport>): string[] {
  return reasons.map(({ tier, rule }) => (tier === undefined ? rule : `${tier} ${rule}`));
}
