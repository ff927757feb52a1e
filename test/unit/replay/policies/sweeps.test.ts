import { describe, expect, it } from "vitest";
import { baselines, splitBaselines } from "../../../../src/replay/policies/policies.ts";
import { policyNamed } from "../../../../src/replay/policy-table.ts";
import { splitSweeps, sweeps } from "../../../../src/replay/policies/sweeps.ts";
import { fakeRequest, fakeSetup } from "./fake-setup.ts";

describe("swept parameters", () => {
  it("belong to baselines and have names of their own", () => {
    const names = [...sweeps, ...splitSweeps].flatMap(([name, variants]) =>
      variants.map((variant) => {
        expect(variant.name.startsWith(`${name} `)).toBe(true);
        expect(policyNamed(variant.name)).toBe(variant);
        return variant.name;
      }),
    );
    expect(new Set(names).size).toBe(names.length);
    for (const name of sweeps.keys()) expect(baselines.has(name)).toBe(true);
    for (const name of splitSweeps.keys()) expect(splitBaselines.has(name)).toBe(true);
  });

  it("make policies that route", () => {
    for (const entry of [...sweeps.values(), ...splitSweeps.values()].flat()) {
      const policy = entry.create(fakeSetup([{}, {}], { pullMsPerToken: 0.1 }));
      expect(policy.route(fakeRequest({ session: 3, prefix: [1, 2] })).kind).toBe("send");
    }
  });
});
