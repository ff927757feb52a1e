import { availableParallelism } from "node:os";
import { cac } from "cac";
import { z } from "zod";
import type { CellResult } from "../../src/replay/campaign/results.ts";
import { splitLine, type SplitRow, splitSummary } from "../../src/replay/campaign/split-table.ts";
import { nextStage } from "../../src/replay/campaign/stages.ts";
import { verdictTable } from "../../src/replay/campaign/verdict-table.ts";
import { verdictsOf } from "../../src/replay/campaign/verdicts.ts";
import { axesOf, inOrder } from "./campaign/axes.ts";
import { Flags, SplitFlags } from "./campaign/flags.ts";
import { addResult, openResults } from "./campaign/results-file.ts";
import { runCells } from "./campaign/run-cells.ts";
import { splitCampaign } from "./campaign/split.ts";
import { readFleet } from "./replay/fleets.ts";
import { runCli } from "./run-cli.ts";

const cli = cac("campaign");
cli
  .command("", "Replay every cell of a campaign, and go on where it was broken off")
  .option("--trace <path>", "A trace file or folder; repeat it for several traces")
  .option("--out <file>", "Where results are added, a JSON object per line")
  .option("--calibration <names>", "Calibrations, separated by commas (default: all)")
  .option("--arrivals <names>", "traced, spread, chance (default: all that differ)")
  .option("--load <list>", "Parts of what the fleet could do at best", {
    default: "0.5,0.8,0.95,1.3",
  })
  .option("--policy <names>", "Policies (default: all for equal engines, and ours without a part)")
  .option("--sight <names>", "Of baselines: exact, stale (default: both)")
  .option("--seeds <n>", "Runs of ours and of each situation's best baselines", { default: 5 })
  .option("--no-sweep", "Baselines with their published parameters only")
  .option("--engines <n>", "Equal engines", { default: 16 })
  .option("--rtt-ms <ms>", "Round trip of every second stale edge to the engines", { default: 60 })
  .option("--requests <n>", "Sessions without times come again up to so many", { default: 12_000 })
  .option("--most-pause-ms <ms>", "Longest pause between turns of such sessions", {
    default: 60_000,
  })
  .option("--threads <n>", "Runs at once; with 0 only what is there is judged", {
    default: availableParallelism(),
  })
  .option("--markdown", "Print the table for a README")
  .action(async (given: unknown) => {
    const flags = Flags.safeParse(given);
    if (!flags.success) throw new Error(z.prettifyError(flags.error));
    await main(flags.data);
  });
cli
  .command("split", "Our decision to split requests against the fixed rules, on a split fleet")
  .option("--trace <path>", "A trace file or folder; repeat it for several traces")
  .option("--fleet <file>", "A mesh.json with a link between its pools", {
    default: "fleets/split.json",
  })
  .option("--model <name>", "Model of that fleet (default: its first)")
  .option("--load <list>", "Parts of what the fleet could do at best", { default: "0.5,0.8" })
  .option("--sight <names>", "exact, stale (default: both)")
  .option("--seeds <n>", "Runs of each mean TTFT", { default: 1 })
  .option("--sweep", "Fixed rules with other thresholds as well")
  .option("--no-dollars", "Mean TTFT only")
  .option("--requests <n>", "Sessions without times come again up to so many", { default: 12_000 })
  .option("--most-pause-ms <ms>", "Longest pause between turns of such sessions", {
    default: 60_000,
  })
  .action(async (given: unknown) => {
    const flags = SplitFlags.safeParse(given);
    if (!flags.success) throw new Error(z.prettifyError(flags.error));
    await runSplit(flags.data);
  });
await runCli(cli);

async function runSplit({ fleet, model, ...given }: z.infer<typeof SplitFlags>): Promise<void> {
  const rows: SplitRow[] = [];
  for await (const row of splitCampaign({ ...given, fleet: readFleet(fleet, model) })) {
    rows.push(row);
    process.stdout.write(`${splitLine(row)}\n`);
  }
  process.stdout.write(`${splitSummary(rows)}\n`);
}

async function main(flags: Flags): Promise<void> {
  const { engines, rttMs, requests, mostPauseMs } = flags;
  const conditions = { engines, rttMs, requests, mostPauseMs };
  const results = openResults(flags.out, conditions);
  const axes = await axesOf(flags);
  for (;;) {
    const stage = flags.threads === 0 ? undefined : nextStage(axes, results);
    if (stage === undefined) break;
    const { name, cells } = stage;
    process.stderr.write(`${name}: ${cells.length} cells to run\n`);
    const tell = progress(cells.length);
    await runCells(cells, conditions, flags.threads, (cell, figures) => {
      const result: CellResult = { cell, figures };
      results.push(result);
      addResult(flags.out, result);
      tell();
    });
  }
  const verdicts = verdictsOf(inOrder(results, axes));
  process.stdout.write(`${verdictTable(verdicts, flags.markdown ? "markdown" : "text")}\n`);
}

/** Tells how far a stage is, every hundred cells. */
function progress(count: number): () => void {
  const startedAt = performance.now();
  let done = 0;
  return () => {
    done++;
    if (done % 100 !== 0) return;
    const minutes = (((performance.now() - startedAt) / done) * (count - done)) / 60_000;
    process.stderr.write(`${done} of ${count}, ${minutes.toFixed(0)} min left\n`);
  };
}
