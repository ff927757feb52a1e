import type { PolicyResult } from "../replay.ts";
import { html, type Html } from "./html.ts";
import { deviceName, type FleetReport, isOurs, type Report } from "./report.ts";
import { stripChart } from "./strips.ts";
import { type Cell, table } from "./table.ts";
import { duration, grouped, percent } from "./numbers.ts";

/** Every policy on every fleet, side by side. */
export function comparisonSection({ fleets, slo }: Report): Html {
  return html`<section id="comparison">
    <h2>Policies compared <span class="simulated">simulated</span></h2>
    <p>
      TTFT is the time to the first token, TPOT the time per token after it, E2E the whole request.
      <em>Regret</em> is mean TTFT above the bound: no queue and one infinite cache shared by all.
      <em>Slowdown</em> is a request's TTFT over its own in that bound. <em>Goodput</em> counts
      requests with TTFT within ${duration(slo.ttftMs)} and TPOT within ${duration(slo.tpotMs)}.
      Bold is the best of its column; a policy that sheds or fails requests may look quick for that.
    </p>
    ${fleets.map(fleetPart)}
  </section>`;
}

function fleetPart(fleet: FleetReport): Html {
  const { name, results, rate, seeds, conditions } = fleet;
  const bound = results[0]?.means["bound_ttft_ms"] ?? 0;
  const strips = results.map(({ policy, means }) => ({
    name: policy,
    mean: means["mean_ttft_ms"] ?? 0,
    p50: means["p50_ttft_ms"] ?? 0,
    p99: means["p99_ttft_ms"] ?? 0,
    isOurs: isOurs(policy),
  }));
  const intervals =
    seeds > 1 ? `means of ${seeds} seeds with 95 % intervals` : "one seed, so no intervals";
  return html`<h3>${name}</h3>
    <p>${rate.toPrecision(3)} times the traced rate, ${conditions}; ${intervals}.</p>
    <figure>
      <figcaption>
        Simulated TTFT: mean (dot), median to 99th percentile (bar), logarithmic
      </figcaption>
      ${stripChart(`Simulated TTFT by policy on ${name}`, strips, { at: bound, says: `bound ${duration(bound)}` })}
    </figure>
    ${figures(`Simulated latency on ${name}`, results, LATENCY)}
    ${figures(`Simulated goodput, cache and load on ${name}`, results, SERVICE)}
    ${figures(`Simulated dollars and joules on ${name}`, results, costs(fleet))}`;
}

/** One column: which figure, times what, with how many decimals, and which end is good. */
type Shown = {
  readonly group: string;
  readonly title: string;
  readonly name: string;
  readonly scale?: number;
  readonly digits?: number;
  readonly good?: "low" | "high";
  readonly says?: (value: number) => string;
};

function figures(label: string, results: readonly PolicyResult[], shown: readonly Shown[]): Html {
  const bests = shown.map((column) => bestOf(column, results));
  const rows = results.map((result) => ({
    name: result.policy,
    isOurs: isOurs(result.policy),
    cells: shown.map((column, at): Cell => {
      const says = html`${said(column, result.means[column.name])}${interval(column, result)}`;
      const isBest = said(column, result.means[column.name]) === bests[at];
      return isBest ? { says, kind: "best" } : { says };
    }),
  }));
  return table(label, "policy", shown, rows);
}

function said({ scale = 1, digits = 2, says }: Shown, value: number | undefined): string {
  if (value === undefined) return "–";
  if (says) return says(value);
  const scaled = value * scale;
  return Math.abs(scaled) >= 1000 ? grouped(scaled) : scaled.toFixed(digits);
}

function interval(column: Shown, { halfWidths }: PolicyResult): Html | false {
  const half = halfWidths[column.name];
  return half !== undefined && half > 1e-9 && html` <small>±${said(column, half)}</small>`;
}

/** The best of a column as it is written; undefined where all are the same. */
function bestOf(column: Shown, results: readonly PolicyResult[]): string | undefined {
  if (column.good === undefined) return undefined;
  const values = results.map(({ means }) => means[column.name] ?? NaN);
  const best = said(column, column.good === "low" ? Math.min(...values) : Math.max(...values));
  return values.every((value) => said(column, value) === best) ? undefined : best;
}

function spread(group: string, name: string, scale: number, digits: number): Shown[] {
  return ["mean", "p50", "p90", "p99"].map((title) => ({
    group,
    title,
    name: `${title}_${name}`,
    scale,
    digits,
    good: "low" as const,
  }));
}

const LATENCY: readonly Shown[] = [
  ...spread("TTFT, s", "ttft_ms", 0.001, 2),
  { group: "regret", title: "s", name: "regret_ms", scale: 0.001, good: "low" },
  ...spread("slowdown", "slowdown", 1, 1),
  ...spread("TPOT, ms", "tpot_ms", 1, 1),
  ...spread("E2E, s", "e2el_ms", 0.001, 2),
];

const SERVICE: readonly Shown[] = [
  { group: "requests", title: "goodput, 1/s", name: "request_goodput", good: "high" },
  { group: "requests", title: "completed", name: "completed", says: grouped },
  { group: "requests", title: "shed", name: "shed", says: grouped },
  { group: "requests", title: "failed", name: "failed", says: grouped },
  { group: "hit rate", title: "reached", name: "hit_rate", good: "high", says: tenths },
  { group: "hit rate", title: "of it pulled", name: "pulled_rate", says: tenths },
  { group: "hit rate", title: "pooled LRU", name: "hit_pooled_lru", says: tenths },
  { group: "hit rate", title: "ceiling", name: "hit_ceiling", says: tenths },
  { group: "load", title: "max/mean", name: "load_max_over_mean", good: "low" },
  { group: "load", title: "busy", name: "busy_share", says: percent },
  { group: "moved", title: "GB", name: "moved_gb", digits: 0 },
];

function costs({ setup, results }: FleetReport): Shown[] {
  const devices = Object.keys(results[0]?.summaries[0]?.byDevice ?? {});
  return [
    { group: "per million tokens", title: "$", name: "usd_per_mtok", good: "low" },
    {
      group: "per million tokens",
      title: "kJ",
      name: "joules_per_mtok",
      scale: 0.001,
      digits: 0,
      good: "low",
    },
    ...devices.flatMap((device): Shown[] => {
      const known = setup.mesh.devices.get(device);
      const group = known ? deviceName(known) : device;
      return [
        { group, title: "$", name: `usd_per_mtok_${device}` },
        { group, title: "kJ", name: `joules_per_mtok_${device}`, scale: 0.001, digits: 0 },
        { group, title: "busy", name: `busy_share_${device}`, says: percent },
      ];
    }),
  ];
}

function tenths(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
