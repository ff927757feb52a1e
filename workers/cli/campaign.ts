import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { cac } from "cac";
import { z } from "zod";
import { calibrations } from "../../src/replay/calibrations.ts";
import { type Cell, cellName, cellsOf } from "../../src/replay/campaign/cells.ts";
import { type CellResult, verdictsOf, verdictText } from "../../src/replay/campaign/verdicts.ts";
import { policiesForEqualEngines } from "../../src/replay/policy-table.ts";
import { runCells } from "./campaign/run-cells.ts";
import { runCli } from "./run-cli.ts";

/** Names separated by commas, of those there are. */
function names<Name extends string>(all: readonly Name[]) {
  return z
    .string()
    .default(all.join(","))
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(all as [Name, ...Name[]])));
}

const Word = z.union([z.string(), z.number()]);
const Flags = z.object({
  trace: z
    .union([Word, z.array(Word).min(1)], "--trace is needed")
    .transform((given) => [given].flat().map(String)),
  out: z.string("--out is needed"),
  calibration: names([...calibrations.keys()]),
  arrivals: names(["traced", "spread"]),
  load: z.union([z.number(), z.string()]).transform((text) => String(text).split(",").map(Number)),
  policy: names([...policiesForEqualEngines]),
  sight: names(["exact", "stale"]),
  seeds: z.number().int().min(1),
  engines: z.number().int().min(1),
  rttMs: z.number().min(0),
  repeat: z.number().int().min(1).max(250),
  threads: z.number().int().min(1),
});
type Flags = z.infer<typeof Flags>;

const cli = cac("campaign");
cli
  .command("", "Replay every cell of a campaign, and go on where it was broken off")
  .option("--trace <path>", "A trace file or folder; repeat it for several traces")
  .option("--out <file>", "Where results are added, a JSON object per line")
  .option("--calibration <names>", "Calibrations, separated by commas (default: all)")
  .option("--arrivals <names>", "traced, spread (default: both)")
  .option("--load <list>", "Parts of what the fleet could do at best", { default: "0.5,0.8,0.95" })
  .option("--policy <names>", "Policies (default: all for equal engines)")
  .option("--sight <names>", "exact, stale (default: both)")
  .option("--seeds <n>", "Runs of each cell", { default: 5 })
  .option("--engines <n>", "Equal engines", { default: 16 })
  .option("--rtt-ms <ms>", "Round trip between edges and engines", { default: 0 })
  .option("--repeat <n>", "Times over the sessions of traces without times come", { default: 1 })
  .option("--threads <n>", "Runs at once", { default: availableParallelism() })
  .action(async (given: unknown) => {
    const flags = Flags.safeParse(given);
    if (!flags.success) throw new Error(z.prettifyError(flags.error));
    await main(flags.data);
  });
await runCli(cli);

async function main(flags: Flags): Promise<void> {
  const known = new Map(readResults(flags.out).map((one) => [cellName(one.cell), one]));
  const all = cellsOf({
    traces: flags.trace,
    calibrations: flags.calibration,
    arrivals: flags.arrivals,
    loads: flags.load,
    policies: flags.policy,
    sights: flags.sight,
    seeds: flags.seeds,
  });
  const missing = all.filter((cell) => !known.has(cellName(cell)));
  process.stderr.write(`${all.length} cells, ${missing.length} to run\n`);
  await runCells(missing, flags, (cell, figures) => {
    const result: CellResult = { cell, figures };
    known.set(cellName(cell), result);
    appendFileSync(flags.out, `${JSON.stringify(result)}\n`);
  });
  const results = all.flatMap((cell: Cell) => known.get(cellName(cell)) ?? []);
  process.stdout.write(`${verdictText(verdictsOf(results))}\n`);
}

/** A last line that was cut off while being written is run again. */
function readResults(path: string): CellResult[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  const whole = lines.slice(0, -1).filter((line) => line !== "");
  if (lines.at(-1) !== "") appendFileSync(path, "\n");
  return whole.flatMap((line) => {
    try {
      return [JSON.parse(line) as CellResult];
    } catch {
      return [];
    }
  });
}
