import { cac } from "cac";
import { z } from "zod";
import { benchAdded } from "./bench/added.ts";
import { benchAgreement } from "./bench/agreement.ts";
import { benchGrant } from "./bench/granting.ts";
import { benchIndex } from "./bench/index-memory.ts";
import { benchKvExport } from "./bench/kv-crossover.ts";
import { benchLlama, type LlamaBench } from "./bench/llama.ts";
import { benchLongSessions } from "./bench/long-sessions.ts";
import { benchPlan } from "./bench/planning.ts";
import { benchPublished } from "./bench/published.ts";
import { type BenchReport, benchText } from "./bench/report.ts";
import { benchRegion } from "./bench/region-load.ts";
import { benchReplay } from "./bench/replaying.ts";
import { benchTurns } from "./bench/turns.ts";
import { runCli } from "./run-cli.ts";

const PARTS = [
  "plan",
  "grant",
  "index",
  "region",
  "replay",
  "agreement",
  "llm-d",
  "kv-export",
  "turns",
  "sessions",
  "ttft",
] as const;
/** Needs what `workers/llama` installs: measured where it is asked for. */
const PARTS_ASKED_FOR = ["llama"] as const;
const CALLS = 5000;

type Part = (typeof PARTS)[number] | (typeof PARTS_ASKED_FOR)[number];

const ALL_PARTS = [...PARTS, ...PARTS_ASKED_FOR] as const;

const Flags = z.object({
  only: z.enum(ALL_PARTS, `--only is one of ${ALL_PARTS.join(", ")}`).optional(),
  requests: z.int("--requests must be a whole number").min(40, "--requests must be 40 or more"),
  model: z.string().optional(),
  threads: z.int("--threads must be a whole number").min(1, "--threads must be 1 or more"),
  json: z.boolean().default(false),
});

const cli = cac("bench");
cli
  .command("", "Measure what planning, turns and routing cost on this machine")
  .option("--only <part>", `Measure one part: ${ALL_PARTS.join(", ")}`)
  .option("--requests <n>", "Requests of 1 KB; larger bodies and turns in proportion", {
    default: 400,
  })
  .option("--model <file>", "A GGUF file for `--only llama`, instead of a tiny one made for it")
  .option("--threads <n>", "Threads of each llama.cpp engine", { default: 1 })
  .option("--json", "Print one JSON object as the last line of stdout")
  .action(async (given: unknown) => {
    const flags = Flags.safeParse(given);
    if (!flags.success) throw new Error(z.prettifyError(flags.error));
    const { only, requests, json, ...llama } = flags.data;
    const report = await bench(only === undefined ? PARTS : [only], requests, llama);
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  });
await runCli(cli);

/** Measures the parts one after another and prints each as soon as it is there. */
async function bench(parts: readonly Part[], requests: number, llama: LlamaBench) {
  let whole: BenchReport = {};
  for (const part of parts) {
    const report = await measure(part, requests, llama);
    process.stdout.write(`${benchText(report)}\n\n`);
    whole = { ...whole, ...report };
  }
  return whole;
}

async function measure(part: Part, requests: number, llama: LlamaBench): Promise<BenchReport> {
  if (part === "plan") {
    const usual = [20, 200].map((pools) => benchPlan(pools, "several", CALLS));
    return { plan: [...usual, benchPlan(200, "one", CALLS)] };
  }
  if (part === "grant") {
    return { grant: [64, 1000].map((engines) => benchGrant(engines, CALLS)) };
  }
  if (part === "index") return { index: benchIndex() };
  if (part === "region") return { region: await benchRegion() };
  if (part === "replay") return { replay: await benchReplay() };
  if (part === "agreement") return { agreement: await benchAgreement() };
  if (part === "llm-d") return { published: await benchPublished() };
  if (part === "kv-export") return { kvExport: benchKvExport() };
  if (part === "turns") return { turns: await benchTurns(Math.ceil(requests / 4)) };
  if (part === "sessions") return { sessions: await benchLongSessions(Math.ceil(requests / 10)) };
  if (part === "llama") return { llama: await benchLlama(Math.ceil(requests / 8), llama) };
  return { ttft: await benchAdded(requests) };
}
