/** Figures of many calls; `unit` is told where they are printed. */
export type Spread = { readonly mean: number; readonly p50: number; readonly p99: number };

/** Microseconds per call, each call timed by itself, after `warmUp` calls that are not. `prepare` is not timed. */
export function timeCalls<Input>(
  calls: number,
  warmUp: number,
  prepare: (n: number) => Input,
  call: (input: Input) => void,
): Spread {
  const micros: number[] = [];
  for (let n = 0; n < warmUp + calls; n++) {
    const input = prepare(n);
    const startedAt = process.hrtime.bigint();
    call(input);
    const took = Number(process.hrtime.bigint() - startedAt) / 1000;
    if (n >= warmUp) micros.push(took);
  }
  return spreadOf(micros);
}

/** Mean and percentiles by nearest rank. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  const sum = sorted.reduce((total, value) => total + value, 0);
  return { mean: sum / sorted.length, p50: at(0.5), p99: at(0.99) };
}
