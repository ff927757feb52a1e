import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TRACES = "test/traces/";

describe("npm run replay", () => {
  it("prints one array, an object per policy, on the last line", async () => {
    const objects = await replayed(
      `--trace ${TRACES}mooncake --policy phaseway,random --seeds 2`,
      "--calibration mooncake-a800 --engines 2 --edges 5 --stale-ms 1000",
    );
    expect(objects).toMatchObject([
      { policy: "phaseway", simulated: true, requests: 40, completed: 40, seeds: 2 },
      { policy: "random", simulated: true, requests: 40, completed: 40, stale_ms: 1000 },
    ]);
    const [ours, theirs] = objects;
    expect(ours?.["mean_ttft_ms"]).toBeLessThan(theirs?.["mean_ttft_ms"] as number);
    expect(theirs?.["ci95"]).toMatchObject({ hit_rate: expect.any(Number) });
  });

  it("lets sessions come by chance where the trace tells no times, turn after turn", async () => {
    const [one] = await replayed(
      `--trace ${TRACES}claude-code --trace ${TRACES}miniswe --policy phaseway`,
      "--sessions-per-s 1",
    );
    expect(one).toMatchObject({ failed: 0, shed: 0 });
    expect(one?.["hit_rate"]).toBeGreaterThan(0.5);
    expect(one?.["hit_rate"]).toBeLessThanOrEqual(one?.["hit_ceiling"] as number);
  });

  it("replays against the fleet of a mesh.json", async () => {
    const objects = await replayed(
      `--trace ${TRACES}mooncake --fleet mesh.json --model large`,
      "--policy phaseway,never-split --load 0.5",
    );
    expect(objects).toMatchObject([
      { policy: "phaseway", fleet: "mesh.json", completed: 40, load: 0.5 },
      { policy: "never-split", completed: 40, moved_gb: 0 },
    ]);
  });

  it("says what is wrong with its flags", async () => {
    await expect(replay(`--trace ${TRACES}mooncake --policy best`)).rejects.toThrow(
      "no policy is called `best`",
    );
    await expect(replay(`--trace ${TRACES}claude-code`)).rejects.toThrow("let sessions come");
    await expect(replay()).rejects.toThrow("--trace is needed");
  });
});

async function replay(...flags: string[]): Promise<string> {
  const words = flags.flatMap((some) => some.split(" "));
  const { stdout } = await run(process.execPath, ["workers/cli/replay.ts", ...words], {
    cwd: ROOT,
  });
  return stdout;
}

async function replayed(...flags: string[]): Promise<Record<string, unknown>[]> {
  const stdout = await replay(...flags, "--json");
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>[];
}
