/** Mean and percentiles under vLLM's field names, such as `mean_ttft_ms` and `p99_ttft_ms`; null without values. */
export function latencyFields(
  name: string,
  valuesMs: readonly number[],
): Record<string, number | null> {
  const sorted = Float64Array.from(valuesMs).toSorted();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const fields = {
    [`mean_${name}_ms`]: mean,
    [`median_${name}_ms`]: percentile(sorted, 50),
    [`p50_${name}_ms`]: percentile(sorted, 50),
    [`p90_${name}_ms`]: percentile(sorted, 90),
    [`p99_${name}_ms`]: percentile(sorted, 99),
  };
  const told = Object.entries(fields).map(([field, ms]) => [
    field,
    sorted.length ? round(ms) : null,
  ]);
  return Object.fromEntries(told) as Record<string, number | null>;
}

/** Linear between ranks, as numpy does it. */
function percentile(sorted: Float64Array, percent: number): number {
  const rank = ((sorted.length - 1) * percent) / 100;
  const low = sorted[Math.floor(rank)] ?? 0;
  const high = sorted[Math.ceil(rank)] ?? low;
  return low + (high - low) * (rank - Math.floor(rank));
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
