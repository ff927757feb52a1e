import type { DriveReport } from "./drive.ts";

/** The report as people read it. */
export function textReport(report: DriveReport): string {
  const fields = new Map(Object.entries(report));
  const lines = [
    `requests     ${report.completed} completed, ${report.failed} failed, ${report.conversations} conversations, ${report.sessions} sessions, ${report.duration.toFixed(1)} s`,
    `throughput   ${report.request_throughput.toFixed(2)} requests/s, ${report.output_throughput.toFixed(1)} output tokens/s`,
    `tokens       ${report.total_input_tokens} in (${report.total_cached_tokens} cached), ${report.total_output_tokens} out`,
    `hit rate     ${percent(report.hit_rate)} by ${report.hit_rate_receipts} receipts, ${percent(report.hit_rate_usage)} by usage` +
      (report.hit_rate_ledger === undefined
        ? ""
        : `, ${percent(report.hit_rate_ledger)} by ledger`) +
      `; ceiling ${percent(report.hit_rate_ceiling)} (${percent(report.hit_rate_ceiling_with_answers)} with answers)`,
    ...["ttft", "tpot", "itl", "e2el"].map((name) => {
      const at = (kind: string): string =>
        Number(fields.get(`${kind}_${name}_ms`) ?? NaN).toFixed(1);
      return `${`${name} ms`.padEnd(12)} mean ${at("mean")}, p50 ${at("p50")}, p90 ${at("p90")}, p99 ${at("p99")}`;
    }),
    ...counted("modes", report.modes),
    ...counted("engines", report.engines),
    ...counted("errors", report.errors),
  ];
  if (report.abandoned_turns > 0)
    lines.push(`abandoned    ${report.abandoned_turns} turns after a failed one`);
  if (report.receipts_missing > 0) lines.push(`receipts     ${report.receipts_missing} missing`);
  return [...lines, ...reconciled(report)].join("\n");
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
