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

  it("restarts engines, and says what that took", async () => {
    const stdout = await replay(
      `--trace ${TRACES}mooncake --policy random --engines 2 --restart 1@9 --restart pool/0@12.5 --json`,
    );
    expect(stdout).toContain("restarts of engine 1 at 9 s, pool/0 at 12.5 s:");
    const [one] = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, number>[];
    expect(one?.["restart_lost_legs"]).toBeGreaterThan(0);
    expect(one?.["restart_lost_legs"]).toBe(
      (one?.["restart_rerouted"] ?? 0) + (one?.["failed"] ?? 0),
    );
    expect(one?.["restart_lost_cached_tokens"]).toBeGreaterThan(0);
  });

  it("lets edges stand in regions of the fleet and at airports", async () => {
    const [one] = await replayed(
      `--trace ${TRACES}mooncake --policy nearest-exact --fleet mesh.json --model large`,
      "--load 0.1 --edges 4 --edge-regions use1,syd",
    );
    expect(one).toMatchObject({ edge_regions: ["use1", "syd"], completed: 40 });
    expect(one?.["bound_ttft_ms"]).toBeGreaterThan(100);
  });

  it("says what is wrong with its flags", async () => {
    await expect(replay(`--trace ${TRACES}mooncake --policy best`)).rejects.toThrow(
      "no policy is called `best`",
    );
    await expect(replay(`--trace ${TRACES}claude-code`)).rejects.toThrow("let sessions come");
    await expect(replay()).rejects.toThrow("--trace is needed");
  });

  it("says which engines and regions there are", async () => {
    const mooncake = `--trace ${TRACES}mooncake --policy random --engines 2`;
    const wrong = {
      "--restart 2@9":
        "no engine is called 2; they are numbered 0 to 1, or called pool/0 to pool/1",
      "--restart 1": "`1` is not engine@seconds",
      "--edge-regions nowhere": "no region is called `nowhere`; the fleet has here, and there are",
      "--edge-regions iad,fra": "edges in 2 regions need --edges 2",
    };
    await Promise.all(
      Object.entries(wrong).map(([flags, problem]) =>
        expect(replay(`${mooncake} ${flags}`)).rejects.toThrow(problem),
      ),
    );
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
