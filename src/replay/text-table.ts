import type { PolicyResult } from "./replay.ts";

/** The comparison as lines of text, one per policy. */
export function textTable(results: readonly PolicyResult[]): string {
  const rows = [COLUMNS.map(([title]) => title), ...results.map(rowOf)];
  const widths = COLUMNS.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, at) =>
          at === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join("  "),
    )
    .join("\n");
}

function rowOf(result: PolicyResult): string[] {
  return COLUMNS.map(([, read]) => read(result));
}

const seconds =
  (name: string) =>
  ({ means, halfWidths }: PolicyResult): string => {
    const half = halfWidths[name];
    const mean = ((means[name] ?? 0) / 1000).toFixed(2);
    return half === undefined ? mean : `${mean} ±${(half / 1000).toFixed(2)}`;
  };
const plain =
  (name: string, digits: number) =>
  ({ means }: PolicyResult): string =>
    (means[name] ?? 0).toFixed(digits);

const COLUMNS: readonly (readonly [string, (result: PolicyResult) => string])[] = [
  ["policy", ({ policy }) => policy],
  ["TTFT s", seconds("mean_ttft_ms")],
  ["p50", seconds("p50_ttft_ms")],
  ["p90", seconds("p90_ttft_ms")],
  ["p99", seconds("p99_ttft_ms")],
  ["regret", seconds("regret_ms")],
  ["slowdown p99", plain("p99_slowdown", 1)],
  ["TPOT ms", plain("mean_tpot_ms", 1)],
  ["E2E s", seconds("mean_e2el_ms")],
  ["goodput/s", plain("request_goodput", 2)],
  ["hit", plain("hit_rate", 3)],
  ["load", plain("load_max_over_mean", 2)],
  ["busy", plain("busy_share", 2)],
  ["GB moved", plain("moved_gb", 0)],
  ["$/Mtok", plain("usd_per_mtok", 2)],
  ["shed", plain("shed", 0)],
  ["failed", plain("failed", 0)],
];
