import { writeFileSync } from "node:fs";
import { cac } from "cac";
import { policiesForEqualEngines, policyNamed } from "../../src/replay/policy-table.ts";
import { type PolicyResult, replay } from "../../src/replay/replay.ts";
import { atEqualGoodput, type EqualGoodput } from "../../src/replay/report/equal-goodput.ts";
import { reportPage } from "../../src/replay/report/page.ts";
import { procurementText } from "../../src/replay/report/procurement.ts";
import type { FleetReport } from "../../src/replay/report/report.ts";
import { followCourse, type TimeCourse } from "../../src/replay/report/time-course.ts";
import { textTable } from "../../src/replay/text-table.ts";
import { atRate, type Workload } from "../../src/replay/workload.ts";
import type { TraceProblem } from "../../src/traces/conversation.ts";
import { asObject, withEqualGoodput } from "./replay/as-json.ts";
import { conditionsOf, optionsOf, rateOf } from "./replay/conditions.ts";
import { Flags } from "./replay/flags.ts";
import { fleetsOf, type NamedFleet } from "./replay/fleets.ts";
import { readTraceWorkload } from "./replay/read-workload.ts";
import { restartText } from "./replay/restarts.ts";
import { reportOf } from "./replay/report-of.ts";
import { runCli } from "./run-cli.ts";

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
  .option(
    "--edge-regions <names>",
    "Where edges stand, one after another: regions of the fleet or airports such as iad,fra,nrt",
  )
  .option("--restart <engine@s>", "Restart an engine, by number or id, such as 3@60; repeatable")
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
  .option(
    "--slo-share <x>",
    "Find what each fleet costs where this share of requests meets its objectives (0.9 with several fleets)",
  )
  .option(
    "--html <file>",
    "Write a page about it: the comparison, the time course, the trace's labels",
  )
  .option("--json", "Print one JSON array, an object per policy, as the last line of stdout")
  .action(async (given: unknown) => {
    const flags = Flags.safeParse(given);
    if (!flags.success) throw new Error(flags.error.issues.map(said).join("\n"));
    await main(flags.data);
  });
await runCli(cli);

async function main(flags: Flags): Promise<void> {
  const fleets = fleetsOf(flags);
  const traced = await readTraceWorkload(flags, complain);
  if (traced.count === 0) throw new Error("there are no requests in these traces");
  const reports = fleets.map((fleet) => replayed(flags, fleet, traced));
  const equal = equalGoodput(flags, fleets, traced);
  process.stdout.write(procurementText(equal));
  if (flags.html !== undefined) {
    writeFileSync(flags.html, reportPage(reportOf(traced, reports, equal)));
  }
  if (!flags.json) return;
  const objects = reports.flatMap(({ name, rate, results }) =>
    results.map((result) => asObject(flags, name, rate, result)),
  );
  process.stdout.write(`${JSON.stringify(withEqualGoodput(objects, equal))}\n`);
}

/** One fleet under every policy, and in words. */
function replayed(flags: Flags, { name, setup }: NamedFleet, traced: Workload): FleetReport {
  const rate = rateOf(flags, traced, setup);
  const workload = atRate(traced, rate);
  const courses = new Map<string, TimeCourse>();
  const results: PolicyResult[] = [];
  const given = { workload, fleet: setup, policies: policiesOf(flags), seeds: flags.seeds };
  for (const result of replay({
    ...given,
    options: optionsOf(flags, setup),
    watch: (run, policy, seed) => {
      if (flags.html === undefined || seed !== 1) return undefined;
      const course = followCourse(run);
      return () => void courses.set(policy, course());
    },
  })) {
    results.push(result);
  }
  process.stdout.write(`${headline(flags, name, rate, workload)}\n${textTable(results)}\n`);
  process.stdout.write(`${footline(results)}\n${restartText(flags.restart, results)}`);
  const { seeds } = flags;
  return { name, setup, rate, seeds, conditions: conditionsOf(flags), results, courses };
}

/** What each fleet costs for the same goodput: where asked, and where fleets are compared. */
function equalGoodput(
  flags: Flags,
  fleets: readonly NamedFleet[],
  workload: Workload,
): EqualGoodput[] {
  const sloShare = flags.sloShare ?? (fleets.length > 1 ? 0.9 : undefined);
  if (sloShare === undefined) return [];
  return fleets.flatMap(({ name, setup }) => {
    const options = optionsOf(flags, setup);
    return policiesOf(flags).map((policy) =>
      atEqualGoodput({ fleet: name, setup, workload, policy, options, sloShare }),
    );
  });
}

function policiesOf(flags: Flags) {
  return (flags.policy ?? policiesForEqualEngines).map(policyNamed);
}

function complain({ path, line, message }: TraceProblem): void {
  process.stderr.write(`${path}:${line}: ${message}\n`);
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

function said({ path, message }: { readonly path: PropertyKey[]; readonly message: string }) {
  return `${path.join(".")}: ${message}`;
}
