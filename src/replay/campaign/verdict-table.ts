import { traceName } from "./cells.ts";
import { type Criterion, CRITERIA, lostOf, type Verdict } from "./verdicts.ts";
import { ABLATIONS } from "./results.ts";

/** The verdicts as lines of text, or as a Markdown table for the README, with what was won below. */
export function verdictTable(verdicts: readonly Verdict[], form: "text" | "markdown"): string {
  const rows = verdicts.map((verdict) => COLUMNS.map(([, read]) => read(verdict)));
  const titles = COLUMNS.map(([title]) => title);
  const table = form === "markdown" ? markdown(titles, rows) : aligned([titles, ...rows]);
  return [table, "", ...summary(verdicts)].join("\n");
}

const COLUMNS: readonly (readonly [string, (verdict: Verdict) => string])[] = [
  ["trace", ({ situation }) => traceName(situation.trace)],
  ["calibration", ({ situation }) => situation.calibration],
  ["arrivals", ({ situation }) => situation.arrivals],
  ["load", ({ situation }) => String(situation.load)],
  ["bound s", ({ boundMs }) => seconds(boundMs)],
  ["regret s", ({ regretMs }) => seconds(regretMs)],
  ["best stale", ({ bestStale }) => named(bestStale)],
  ["best exact", ({ bestExact }) => named(bestExact)],
  ["hits of pooled", (verdict) => value(verdict, "hits")],
  ["busy", ({ busyShare }) => busyShare.toFixed(2)],
  ["max/mean", (verdict) => value(verdict, "balance")],
  ["slowdown of FCFS", (verdict) => value(verdict, "slowdown")],
  ["unserved", (verdict) => value(verdict, "served")],
  ["no order", (verdict) => ratio(verdict, ABLATIONS[0])],
  ["no pull", (verdict) => ratio(verdict, ABLATIONS[1])],
  ["no reserve", (verdict) => ratio(verdict, ABLATIONS[2])],
  ["", (verdict) => outcome(verdict)],
];

/** How many situations were won, how many by each criterion, and what each part is worth. */
function summary(verdicts: readonly Verdict[]): string[] {
  const won = verdicts.filter((one) => lostOf(one).length === 0).length;
  const names = Object.keys(CRITERIA) as Criterion[];
  const criteria = names.flatMap((name) => {
    const those = verdicts.flatMap(({ judged }) => judged.get(name) ?? []);
    const met = those.filter(({ isMet }) => isMet).length;
    return those.length === 0 ? [] : [`${name} ${met}/${those.length}`];
  });
  const belowFull = verdicts.filter(({ situation }) => situation.load < 1);
  const parts = ABLATIONS.flatMap((name) => {
    const ratios = belowFull.flatMap(({ ablations }) => ablations.get(name) ?? []);
    return ratios.length === 0 ? [] : [`${name} ${geometricMean(ratios).toFixed(2)}`];
  });
  return [
    `simulated: ${won} of ${verdicts.length} situations won; ${criteria.join(", ")}`,
    ...(parts.length === 0
      ? []
      : [`regret over ours below load 1, geometric mean: ${parts.join(", ")}`]),
  ];
}

function outcome(verdict: Verdict): string {
  const lost = lostOf(verdict);
  return lost.length === 0 ? "won" : `LOST ${lost.join(", ")}`;
}

function named(best: Verdict["bestStale"]): string {
  return best === undefined ? "-" : `${seconds(best.regretMs)} ${best.policy}`;
}

function value({ judged }: Verdict, name: Criterion): string {
  const one = judged.get(name);
  if (one === undefined) return "-";
  const { value: number, of } = one;
  return [number.toFixed(name === "served" ? 3 : 2), ...(of === undefined ? [] : [of])].join(" ");
}

function ratio({ ablations }: Verdict, name: string): string {
  return ablations.get(name)?.toFixed(2) ?? "-";
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, one) => sum + Math.log(one), 0) / values.length);
}

function markdown(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line)].join("\n");
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
