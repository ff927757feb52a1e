import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { cellName, cellsOf } from "../../../src/replay/campaign/cells.ts";
import { verdictsOf, verdictText } from "../../../src/replay/campaign/verdicts.ts";
import { repeated } from "../../../src/replay/repeated.ts";
import type { TraceSession } from "../../../src/traces/requests/request.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

describe("a campaign", () => {
  it("has a cell for every combination, each with a name of its own", () => {
    const cells = cellsOf({
      traces: ["a", "b"],
      calibrations: ["roofline"],
      arrivals: ["traced", "spread"],
      loads: [0.5, 0.8, 0.95],
      policies: ["phaseway", "random"],
      sights: ["exact", "stale"],
      seeds: 5,
    });
    expect(cells).toHaveLength(2 * 2 * 3 * 2 * 2 * 5);
    expect(new Set(cells.map(cellName)).size).toBe(cells.length);
  });

  it("goes on where it was broken off, and says the same in the end", async () => {
    const out = join(mkdtempSync(join(tmpdir(), "campaign-")), "results.jsonl");
    const first = await campaign(out);
    const whole = readFileSync(out, "utf8");
    expect(whole.trim().split("\n")).toHaveLength(8);
    expect(first.stderr).toContain("8 cells, 8 to run");
    writeFileSync(out, whole.slice(0, Math.floor(whole.length / 2)));
    const again = await campaign(out);
    expect(again.stderr).toMatch(/8 cells, [45] to run/);
    expect(again.stdout).toBe(first.stdout);
    expect((await campaign(out)).stderr).toContain("8 cells, 0 to run");
  }, 60_000);
});

describe("verdicts", () => {
  const cell = (policy: string, sight: "exact" | "stale", regret: number, seed = 1) => ({
    cell: {
      trace: "t",
      calibration: "c",
      arrivals: "traced" as const,
      load: 0.8,
      policy,
      sight,
      seed,
    },
    figures: { regret_ms: regret, bound_ttft_ms: 1000 },
  });

  it("hold ours against the best of the others, over seeds", () => {
    const results = [
      cell("phaseway", "stale", 90),
      cell("phaseway", "stale", 110, 2),
      cell("phaseway", "exact", 1),
      cell("random", "stale", 900),
      cell("good", "stale", 150),
      cell("good", "stale", 270, 2),
      cell("good", "exact", 50),
    ];
    const [verdict] = verdictsOf(results);
    expect(verdict).toMatchObject({
      oursMs: 100,
      bestStale: { policy: "good", regretMs: 210 },
      bestExact: { policy: "good", regretMs: 50 },
      beatsStale: true,
      meetsExact: true,
    });
    expect(verdictText(verdictsOf(results))).toContain("1 of 1 situations won");
  });

  it("say what was lost", () => {
    const lost = [
      cell("phaseway", "stale", 1000),
      cell("good", "stale", 1900),
      cell("good", "exact", 900),
    ];
    expect(verdictsOf(lost)).toMatchObject([{ beatsStale: false, meetsExact: false }]);
    expect(verdictText(verdictsOf(lost))).toContain("LOST to stale exact");
    const near = [cell("phaseway", "stale", 988), cell("good", "exact", 900)];
    expect(verdictsOf(near)).toMatchObject([{ beatsStale: true, meetsExact: true }]);
  });
});

describe("repeated sessions", () => {
  it("are other conversations of the same shape", async () => {
    const ids = [1, 2 ** 53 - 1, 12_345_678_901_234];
    const request = { turn: 0, offsetMs: 0, thinkMs: 0, promptTokens: 48, outputTokens: 1 };
    const session: TraceSession = {
      id: "s",
      format: "claude-code",
      requests: [{ ...request, session: "s", blocks: ids, blockTokens: 16 }],
    };
    async function* once() {
      yield session;
    }
    const all: TraceSession[] = [];
    for await (const one of repeated(once, 200)) all.push(one);
    expect(all[0]).toBe(session);
    const blocks = all.flatMap(({ requests }) => requests.flatMap((one) => one.blocks));
    expect(new Set(blocks).size).toBe(600);
    expect(blocks.every((id) => Number.isSafeInteger(id) && id >= 0)).toBe(true);
    expect(new Set(all.map(({ id }) => id)).size).toBe(200);
    expect(all.every(({ id, requests }) => requests[0]?.session === id)).toBe(true);
  });
});

async function campaign(out: string) {
  const words = `--trace test/traces/mooncake --calibration mooncake-a800 --arrivals spread
    --policy phaseway,random --load 0.5 --seeds 2 --engines 2 --threads 1 --out ${out}`;
  return run(process.execPath, ["workers/cli/campaign.ts", ...words.split(/\s+/)], { cwd: ROOT });
}
