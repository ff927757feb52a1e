import type { EqualGoodput } from "./equal-goodput.ts";

/** A fleet beside the others: how many of it, and dollars per hour, for the goodput of the first that gets there. */
export type ProcurementRow = EqualGoodput & {
  readonly fleets: number | undefined;
  readonly usdPerHourForSame: number | undefined;
  readonly isCheapest: boolean;
};

/** All fleets at the goodput of the first. */
export function procurementRows(equal: readonly EqualGoodput[]): ProcurementRow[] {
  const target = equal.find(({ at }) => at)?.at?.summary.goodput ?? 0;
  const rows = equal.map((one) => {
    const fleets = one.at && target / one.at.summary.goodput;
    const usd = one.at && (one.at.usdPerThousandGood / 1000) * target * 3600;
    return { ...one, fleets, usdPerHourForSame: usd };
  });
  const least = Math.min(...rows.map(({ usdPerHourForSame }) => usdPerHourForSame ?? Infinity));
  return rows.map((row) => ({ ...row, isCheapest: row.usdPerHourForSame === least }));
}

/** The same as lines of text. */
export function procurementText(equal: readonly EqualGoodput[]): string {
  const [first] = equal;
  if (!first) return "";
  const cells = [
    ["fleet", "policy", "$/h", "rate", "goodput/s", "fleets", "$/h same", "$/Mtok", "kJ/Mtok"],
    ...procurementRows(equal).map(lineOf),
  ];
  const widths = cells[0]?.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, at) =>
        at < 2 ? cell.padEnd(widths?.[at] ?? 0) : cell.padStart(widths?.[at] ?? 0),
      )
      .join("  "),
  );
  const title = `simulated: the highest rate at which ${(first.sloShare * 100).toFixed(0)} % of requests meet their objectives, and dollars for the same goodput`;
  const isShort = equal.some(({ at }) => at?.isUnfilled);
  const note = isShort ? ["a rate behind > is where the trace ends before it fills the fleet"] : [];
  return `${[title, ...lines, ...note].join("\n")}\n`;
}

function lineOf({ fleet, policy, usdPerHour, at, fleets, usdPerHourForSame }: ProcurementRow) {
  const owned = [fleet, policy, usdPerHour.toFixed(2)];
  if (!at) return [...owned, "never", "-", "-", "-", "-", "-"];
  const { summary, rate } = at;
  return [
    ...owned,
    `${at.isUnfilled ? ">" : ""}${rate.toFixed(2)}`,
    summary.goodput.toFixed(2),
    (fleets ?? NaN).toFixed(2),
    (usdPerHourForSame ?? NaN).toFixed(2),
    summary.usdPerMTok.toFixed(3),
    (summary.joulesPerMTok / 1000).toFixed(0),
  ];
}
