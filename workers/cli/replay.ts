import { cac } from "cac";
import { AWAY } from "../../src/replay/calibrated-fleet.ts";
import { capacityRate } from "../../src/replay/capacity.ts";
import { ceilingsOf } from "../../src/replay/ceilings.ts";
import type { FleetSetup } from "../../src/replay/fleet-setup.ts";
import { policiesForEqualEngines, policyNamed } from "../../src/replay/policy-table.ts";
import { type PolicyResult, replay } from "../../src/replay/replay.ts";
import { textTable } from "../../src/replay/text-table.ts";
import { atRate, type Workload } from "../../src/replay/workload.ts";
import type { TraceProblem } from "../../src/traces/conversation.ts";
import { Flags } from "./replay/flags.ts";
import { fleetsOf } from "./replay/fleets.ts";
import { readTraceWorkload } from "./replay/read-workload.ts";

const cli = cac("replay");
cli
  .command("", "Replay recorded traces against a fleet in virtual time, under several policies")
  .option("--trace <path>", "A trace file, or a folder of them; may be repeated")
  .option("--policy <names>", "Policies to compare, separated by commas (default: all)")
  .option("--calibration <name>", "roofline, dynamo-mocker, llm-d-sim or mooncake-a800", {
    default: "roofline",
  })
  .option("--engines <n>", "Equal engines of the calibration", { default: 16 })
  .option("--fleet <file>", "A mesh.json instead of equal engines; repeat it to compare fleets")
  .option("--model <name>", "Model of that fleet that requests ask for (default: its first)")
  .option("--rate <x>", "Arrivals this many times as fast as traced", { default: 1 })
  .option(
    "--load <x>",
    "Arrivals at this part of what the fleet could do at best, instead of --rate",
  )
  .option("--edges <n>", "Edges that route, each by itself", { default: 1 })
  .option("--stale-ms <ms>", "How old what edges see of the fleet is", { default: 0 })
  .option("--rtt-ms <ms>", "Round trip between edges and engines of a calibration", { default: 0 })
  .option("--report-ms <range>", "How late ends are reported, such as 50-300", { default: "0" })
  .option("--cost-error <x>", "Prefill takes between 1 - x and 1 + x of what is predicted", {
    default: 0,
  })
  .option("--seeds <n>", "Runs with other chance", { default: 1 })
  .option("--spread-ms <ms>", "Spread simultaneous arrivals over this long (Mooncake: 3000)")
  .option("--sessions-per-s <x>", "Let sessions come by chance: for traces that tell no times")
  .option("--repeat <n>", "Times over that sessions come by chance, as other conversations", {
    default: 1,
  })
  .option("--block-tokens <n>", "Tokens per cache block (default: the trace's own, 512 at most)")
  .option("--json", "Print one JSON array, an object per policy, as the last line of stdout")
  .action(async (given: unknown) => {
    const flags = Flags.safeParse(given);
    if (!flags.success) throw new Error(flags.error.issues.map(said).join("\n"));
    await main(flags.data);
  });
cli.help();

try {
  cli.parse(process.argv, { run: false });
  await cli.runMatchedCommand();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(flags: Flags): Promise<void> {
  const names = flags.policy ?? policiesForEqualEngines;
  const policies = names.map(policyNamed);
  const fleets = fleetsOf(flags);
  const traced = await readTraceWorkload(flags, complain);
  if (traced.count === 0) throw new Error("there are no requests in these traces");
  const objects: unknown[] = [];
  for (const { name, setup } of fleets) {
    const rate = flags.load === undefined ? flags.rate : flags.load * fullRate(traced, setup);
    const workload = atRate(traced, rate);
    const given = { workload, fleet: setup, policies, seeds: flags.seeds, options: options(flags) };
    const results: PolicyResult[] = [];
    for (const result of replay(given)) results.push(result);
    process.stdout.write(`${headline(flags, name, rate, workload)}\n${textTable(results)}\n`);
    process.stdout.write(`${footline(results)}\n`);
    objects.push(...results.map(asObject(flags, name, rate)));
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(objects)}\n`);
}

function complain({ path, line, message }: TraceProblem): void {
  process.stderr.write(`${path}:${line}: ${message}\n`);
}

function fullRate(workload: Workload, fleet: FleetSetup): number {
  return capacityRate(workload, fleet, ceilingsOf(workload, 0).cachedTokens);
}

function options({ edges, rttMs, staleMs, reportMs, costError }: Flags) {
  const [least = 0, most = least] = reportMs;
  return {
    edges,
    ...(rttMs > 0 && { edgeRegions: [AWAY] }),
    staleMs,
    reportMs: [least, most] as const,
    costError,
  };
}

function headline(flags: Flags, fleet: string, rate: number, { count }: Workload): string {
  const { edges, staleMs, seeds } = flags;
  return `simulated: ${count} requests at ${rate.toPrecision(3)} times their rate, ${fleet}, ${edges} edges ${staleMs} ms stale, ${seeds} seeds`;
}

function footline([first]: readonly PolicyResult[]): string {
  if (!first) return "";
  const {
    bound_ttft_ms: bound = 0,
    hit_ceiling: ceiling = 0,
    hit_pooled_lru: pooled = 0,
  } = first.means;
  return `bound ${(bound / 1000).toFixed(2)} s; hit rate with an infinite shared cache ${ceiling.toFixed(4)}, with one LRU as large as the fleet's ${pooled.toFixed(4)}`;
}

function asObject(flags: Flags, fleet: string, rate: number) {
  return ({ policy, seeds, means, halfWidths }: PolicyResult) => ({
    policy,
    simulated: true,
    traces: flags.trace,
    fleet,
    ...(flags.fleet === undefined && { calibration: flags.calibration, engines: flags.engines }),
    rate,
    ...(flags.load !== undefined && { load: flags.load }),
    edges: flags.edges,
    stale_ms: flags.staleMs,
    rtt_ms: flags.rttMs,
    report_ms: flags.reportMs,
    cost_error: flags.costError,
    seeds,
    ...rounded(means),
    ...(seeds > 1 && { ci95: rounded(halfWidths) }),
  });
}

function rounded(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, Number(value.toPrecision(7))]),
  );
}

function said({ path, message }: { readonly path: PropertyKey[]; readonly message: string }) {
  return `${path.join(".")}: ${message}`;
}
