import type { DriveReport } from "./drive.ts";
import { LEAST_SHARE } from "./loads.ts";

/** The report as people read it. */
export function textReport(report: DriveReport): string {
  const fields = new Map(Object.entries(report));
  const lines = [
    `requests     ${report.completed} completed, ${report.failed} failed, ${report.conversations} conversations in ${report.sessions} sessions (${report.session_branches} branches, ${report.sessions_mixed} mixed), ${report.duration.toFixed(1)} s`,
    `throughput   ${report.request_throughput.toFixed(2)} requests/s, ${report.output_throughput.toFixed(1)} output tokens/s`,
    `tokens       ${report.total_input_tokens} in (${report.total_cached_tokens} cached), ${report.total_output_tokens} out`,
    `hit rate     ${percent(report.hit_rate)} by ${report.hit_rate_receipts} receipts, ${percent(report.hit_rate_usage)} by usage` +
      (report.hit_rate_ledger === undefined
        ? ""
        : `, ${percent(report.hit_rate_ledger)} by ledger`) +
      `; ceiling ${percent(report.hit_rate_ceiling)} (${percent(report.hit_rate_ceiling_with_answers)} with answers)`,
    ...["ttft", "tpot", "itl", "e2el"].map((name) => {
      const at = (kind: string): string => {
        const ms = fields.get(`${kind}_${name}_ms`);
        return typeof ms === "number" ? ms.toFixed(1) : "unknown";
      };
      return `${`${name} ms`.padEnd(12)} mean ${at("mean")}, p50 ${at("p50")}, p90 ${at("p90")}, p99 ${at("p99")}`;
    }),
    ...counted("modes", report.modes),
    ...counted("engines", report.engines),
    ...counted("errors", report.errors),
  ];
  if (report.prefilled_away_share !== null)
    lines.push(
      `prefilled    ${percent(report.prefilled_away_share)} of computed prompt tokens away from the engine that decoded`,
    );
  lines.push(...pooled(report), ...loads(report));
  if (report.faults)
    lines.push(...counted("faults", report.faults), `retried      ${report.retried} turns`);
  if (report.abandoned_turns > 0)
    lines.push(`abandoned    ${report.abandoned_turns} turns after a failed one`);
  if (report.receipts_missing > 0) {
    lines.push(
      `receipts     ${report.receipts_missing} missing: ${report.missing_receipts.join(", ")}`,
    );
  }
  return [...lines, ...reconciled(report)].join("\n");
}

function pooled({ pooled_lru: lru }: DriveReport): string[] {
  if (!lru || lru.hit_rate === null) return [];
  const size = (tokens: number): string => `${(tokens / 1e6).toFixed(2)} M tokens`;
  return [
    `pooled LRU   ${percent(lru.hit_rate)} by one cache of all ${lru.engines} engines of the model (${size(lru.tokens)}), reached ${percent(lru.reached)} of it`,
    `             ${percent(lru.hit_rate_of_used)} by one of the ${lru.engines_used} that prefilled (${size(lru.tokens_of_used)}), reached ${percent(lru.reached_of_used)} of it`,
  ];
}

function loads(report: DriveReport): string[] {
  if (!report.loads) return [];
  const worst = (load: number | null | undefined): string => load?.toFixed(2) ?? "unknown";
  const few = `under ${LEAST_SHARE * 100} % of all requests per engine, not counted`;
  return [
    `load         max/mean of requests ${worst(report.load_requests_max_over_mean)}, of tokens computed and generated ${worst(report.load_tokens_max_over_mean)} in the worst pool`,
    ...Object.entries(report.loads).map(
      ([pool, load]) =>
        `  ${pool.padEnd(20)} requests ${worst(load.requests_max_over_mean)}, tokens ${worst(load.tokens_max_over_mean)}, ${load.requests} requests on ${load.engines} engines${load.counted ? "" : ` (${few})`}`,
    ),
  ];
}

function reconciled({ reconcile, receipts, receipts_missing: missing }: DriveReport): string[] {
  if (!reconcile) return [];
  const agreed = reconcile.ok && missing === 0 && receipts > 0;
  const head = `reconcile    ${agreed ? "receipts and ledgers agree" : (reconcile.error ?? "receipts and ledgers DIFFER")}`;
  const engines = reconcile.engines.flatMap((engine) => [
    `  ${engine.engine.padEnd(20)} legs ${engine.legs.receipts}/${engine.legs.ledger}, computed ${engine.computed_tokens.receipts}/${engine.computed_tokens.ledger}, ${engine.mismatches} mismatches`,
    ...engine.examples.map((example) => `    ${example}`),
  ]);
  return [head, ...engines];
}

function counted(name: string, counts: Readonly<Record<string, number>>): string[] {
  const parts = Object.entries(counts).map(([key, value]) => `${key} ${value}`);
  return parts.length === 0 ? [] : [`${name.padEnd(12)} ${parts.join(", ")}`];
}

function percent(rate: number | null): string {
  return rate === null ? "unknown" : `${(rate * 100).toFixed(2)} %`;
}
