import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { repeated } from "../../../src/replay/repeated.ts";
import type { TraceSession } from "../../../src/traces/requests/request.ts";
import { arrivalKindsOf, workloadOf } from "../../../workers/cli/campaign/trace-workload.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

describe("a campaign", () => {
  it("goes on where it was broken off, and says the same in the end", async () => {
    const out = join(mkdtempSync(join(tmpdir(), "campaign-")), "results.jsonl");
    const first = await campaign(out);
    const whole = readFileSync(out, "utf8");
    // Ours, first come first served and a baseline twice with seed 1, all of them with seed 2.
    expect(whole.trim().split("\n")).toHaveLength(1 + 8);
    expect(first.stderr).toContain("all with seed 1: 4 cells to run");
    expect(first.stderr).toContain("further seeds: 4 cells to run");
    expect(first.stdout).toMatch(/simulated: [01] of 1 situations won/);
    writeFileSync(out, whole.slice(0, Math.floor(whole.length / 2)));
    const again = await campaign(out);
    expect(again.stderr).toContain("further seeds: 4 cells to run");
    expect(again.stdout).toBe(first.stdout);
    const judged = await campaign(out, 0, "--markdown");
    expect(judged.stderr).toBe("");
    expect(judged.stdout).toMatch(/^\| trace \| .*\n\| --- \| .*\n\| mooncake \| mooncake-a800 \|/);
  }, 60_000);

  it("is not mixed with one under other conditions", async () => {
    const out = join(mkdtempSync(join(tmpdir(), "campaign-")), "results.jsonl");
    writeFileSync(out, '{"conditions":{"engines":3}}\n');
    await expect(campaign(out)).rejects.toThrow("was made with other conditions");
  });
});

describe("the arrivals of a campaign", () => {
  it.each([
    ["mooncake", ["traced", "spread"]],
    ["azure", ["traced"]],
    ["claude-code", ["chance"]],
  ])("are those that differ: %s", async (trace, kinds) => {
    expect(await arrivalKindsOf(join(ROOT, "test/traces", trace))).toEqual(kinds);
  });

  it("repeat sessions without times, and let none of them pause for long", async () => {
    const path = join(ROOT, "test/traces/claude-code");
    const once = await workloadOf(path, "chance", { requests: 1, mostPauseMs: Infinity });
    const requests = 2 * once.count + 1;
    const often = await workloadOf(path, "chance", { requests, mostPauseMs: 10_000 });
    expect(often.count).toBe(3 * once.count);
    expect(Math.max(...once.thinkMs)).toBeGreaterThan(10_000);
    expect(Math.max(...often.thinkMs)).toBe(10_000);
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

async function campaign(out: string, threads = 1, more = "") {
  const words = `--trace test/traces/mooncake --calibration mooncake-a800 --arrivals spread
    --policy phaseway,phaseway-no-order,random --load 0.5 --seeds 2 --engines 2 --threads ${threads}
    --no-sweep --out ${out} ${more}`;
  const parts = words.split(/\s+/).filter(Boolean);
  return run(process.execPath, ["workers/cli/campaign.ts", ...parts], { cwd: ROOT });
}
