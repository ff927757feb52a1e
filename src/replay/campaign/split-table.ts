import { traceName } from "./cells.ts";
import { OURS } from "./results.ts";

/** One measure of all policies on one trace; less is better. */
export type SplitRow = {
  readonly trace: string;
  readonly sight: "exact" | "stale";
  readonly measure: string;
  /** Policy → value; Infinity where it cannot be reached. */
  readonly values: ReadonlyMap<string, number>;
};

/** A line of text for one row: ours, the best fixed rule, and all others. */
export function splitLine({ trace, sight, measure, values }: SplitRow): string {
  const ours = values.get(OURS) ?? NaN;
  const others = [...values].filter(([policy]) => policy !== OURS).toSorted((a, b) => a[1] - b[1]);
  const said = others.map(([policy, value]) => `${policy} ${digits(value)}`);
  const verdict = isWon({ values }) ? "won " : "LOST";
  return `${verdict} ${traceName(trace)}, ${sight}, ${measure}: ours ${digits(ours)}; ${said.join(", ")}`;
}

/** How many rows were won. */
export function splitSummary(rows: readonly SplitRow[]): string {
  return `simulated: ${rows.filter(isWon).length} of ${rows.length} won`;
}

/** Whether ours is less than every fixed rule. */
export function isWon({ values }: Pick<SplitRow, "values">): boolean {
  const ours = values.get(OURS) ?? NaN;
  return [...values].every(([policy, value]) => policy === OURS || ours < value);
}

function digits(value: number): string {
  return value === Infinity ? "never" : value.toPrecision(3);
}
