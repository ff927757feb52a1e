import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FLEETS = ["hbm", "portable", "split"].map((name) => `fleets/${name}.json`);

describe("the worked fleets", () => {
  it("are three", async () => {
    const files = await readdir(join(ROOT, "fleets"));
    expect(files.map((name) => `fleets/${name}`).toSorted()).toEqual(FLEETS);
  });

  it.each(FLEETS)("%s passes check:mesh", async (file) => {
    const { stdout } = await run(process.execPath, ["workers/cli/check-mesh.ts", file], {
      cwd: ROOT,
    });
    expect(stdout).toContain(`${file} is fine`);
  });

  it("have the same objectives, models and prices, and cost about as much", async () => {
    const meshes = await Promise.all(
      FLEETS.map(async (file) => JSON.parse(await readFile(join(ROOT, file), "utf8")) as Mesh),
    );
    for (const { models, slo, prices, labels } of meshes) {
      expect({ models, slo, prices, labels }).toEqual(pick(meshes[0]));
    }
    const objects = await replayed("--policy phaseway", ...FLEETS.map((file) => `--fleet ${file}`));
    const perHour = objects.map((one) => one.equal_goodput?.fleet_usd_per_hour ?? 0);
    expect(Math.max(...perHour) / Math.min(...perHour)).toBeLessThan(1.1);
  });
});

describe("npm run replay with several fleets", () => {
  it("says what the same goodput costs, in text, JSON and HTML", async () => {
    const folder = await mkdtemp(join(tmpdir(), "phaseway-html-"));
    try {
      const file = join(folder, "report.html");
      const flags = `--fleet fleets/hbm.json --fleet fleets/split.json --policy phaseway --html ${file}`;
      const stdout = await replay(`--trace test/traces/mooncake ${flags}`, "--json");
      expect(stdout).toMatch(/simulated: the highest rate .*\nfleet +policy +\$\/h/);
      const [hbm, split] = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Result[];
      expect(hbm?.equal_goodput).toMatchObject({ reached: true, slo_share: 0.9, fleets: 1 });
      expect(split?.equal_goodput?.by_device).toMatchObject({ "rubin-cpx": {}, h200: {} });
      const page = await readFile(file, "utf8");
      for (const id of ["work", "devices", "same-goodput", "comparison", "course", "fleets"]) {
        expect(page).toContain(`id="${id}"`);
      }
      expect(page).toContain("rubin-cpx (announced)");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("asks for it on one fleet too, and on none unless told", async () => {
    const [one] = await replayed("--policy phaseway --slo-share 0.5");
    expect(one?.equal_goodput).toMatchObject({ reached: true, slo_share: 0.5 });
    const [other] = await replayed("--policy phaseway");
    expect(other).not.toHaveProperty("equal_goodput");
  });
});

type Mesh = Record<"models" | "slo" | "prices" | "labels", unknown>;
type Result = {
  readonly equal_goodput?: { readonly fleet_usd_per_hour: number; readonly by_device?: object };
};

function pick(mesh: Mesh | undefined): Mesh | undefined {
  return mesh && { models: mesh.models, slo: mesh.slo, prices: mesh.prices, labels: mesh.labels };
}

async function replay(...flags: string[]): Promise<string> {
  const words = flags.flatMap((some) => some.split(" "));
  const { stdout } = await run(process.execPath, ["workers/cli/replay.ts", ...words], {
    cwd: ROOT,
  });
  return stdout;
}

async function replayed(...flags: string[]): Promise<Result[]> {
  const stdout = await replay("--trace test/traces/mooncake", ...flags, "--json");
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Result[];
}
