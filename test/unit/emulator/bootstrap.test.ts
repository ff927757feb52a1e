import { describe, expect, it } from "vitest";
import type { Engine, Link, Pool } from "../../../src/core/fleet.ts";
import type { EngineConfig } from "../../../workers/emulator/config.ts";
import { engineMetAt } from "../../../workers/emulator/dialects/bootstrap.ts";

type Place = { readonly bootstrapHost?: string; readonly bootstrapPort?: number };

/** What a decode engine sees: prefill engines at these places, and one that no link leads from. */
function seenFrom(places: readonly Place[]): Pick<EngineConfig, "pool" | "fleet"> {
  const engines = places.map((place, index): Engine => {
    const id = `p/${index}`;
    return { id, pool: "p", url: `http://127.0.0.1/${id}`, ...place };
  });
  const pools = [
    poolOf("p", ["prefill"], engines),
    poolOf("d", ["decode"], [{ id: "d/0", pool: "d", url: "http://127.0.0.1/d/0" }]),
    poolOf("far", ["prefill"], [{ id: "far/0", pool: "far", url: "http://127.0.0.1/far/0" }]),
  ] as const;
  const link = { from: "p", to: "d" } as Link;
  const fleet = { pools: new Map(pools.map((pool) => [pool.id, pool])), links: [link] };
  return { pool: pools[1], fleet };
}

function poolOf(id: string, roles: Pool["roles"], engines: readonly Engine[]): Pool {
  return { id, dialect: "sglang", roles, engines } as unknown as Pool;
}

describe("the address that a decode engine is given", () => {
  it("is that of the engine with the bootstrap host, and of several there the one with the port", () => {
    const config = seenFrom([
      { bootstrapHost: "a" },
      { bootstrapHost: "b", bootstrapPort: 1 },
      { bootstrapHost: "b", bootstrapPort: 2 },
    ]);
    expect(engineMetAt("a", 9, config)).toBe("p/0");
    expect(engineMetAt("b", 2, config)).toBe("p/2");
    expect(engineMetAt("b", 9, config)).toBeUndefined();
  });

  it("is that of an engine by its name, if a link leads from there", () => {
    const config = seenFrom([{}, {}]);
    expect(engineMetAt("p/1", 8998, config)).toBe("p/1");
    expect(engineMetAt("far/0", 8998, config)).toBeUndefined();
  });

  it("is told by the port alone where all share one host, 8998 when none is set", () => {
    const config = seenFrom([{ bootstrapPort: 9001 }, {}]);
    expect(engineMetAt("127.0.0.1", 9001, config)).toBe("p/0");
    expect(engineMetAt("127.0.0.1", 8998, config)).toBe("p/1");
    expect(engineMetAt("127.0.0.1", 8998, seenFrom([{}, {}]))).toBeUndefined();
  });
});
