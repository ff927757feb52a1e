import type { EqualGoodput } from "./equal-goodput.ts";
import { html, type Html } from "./html.ts";
import { dollars, duration, grouped, percent } from "./numbers.ts";
import { procurementRows } from "./procurement.ts";
import { isOurs, type Report } from "./report.ts";
import { table } from "./table.ts";

/** What fleets cost for the same goodput. */
export function procurementSection({ equal, slo, fleets }: Report): Html {
  const [first] = equal;
  if (!first) return html``;
  const rows = procurementRows(equal);
  const target = rows.find(({ at }) => at)?.at?.summary.goodput;
  return html`<section id="same-goodput">
    <h2>Cost of the same goodput <span class="simulated">simulated</span></h2>
    <p>
      Each fleet at the highest rate of this trace at which ${percent(first.sloShare)} of requests
      still have TTFT within ${duration(slo.ttftMs)} and TPOT within ${duration(slo.tpotMs)} (seed
      1, found to 3 %).
      ${target !== undefined && `Dollars for the same goodput are for ${target.toFixed(2)} such requests per second, as if a part or a multiple of the fleet could be bought.`}${rows.some(({ at }) => at?.isUnfilled) && " A rate behind > is where the trace ends before it fills the fleet."}
    </p>
    ${table(
      "Simulated cost of the same goodput",
      "fleet",
      COLUMNS,
      rows.map((row) => ({
        name: html`${row.fleet}<br /><small class="quiet">${row.policy}</small>`,
        isOurs: isOurs(row.policy),
        cells: [dollars(row.usdPerHour), ...cellsOf(row)],
      })),
    )}${deviceTable(equal, fleets)}
  </section>`;
}

const COLUMNS = [
  { title: "$/h", group: "this fleet" },
  { title: "times traced rate", group: "this fleet" },
  { title: "goodput, 1/s", group: "this fleet" },
  { title: "fleets", group: "for the same goodput" },
  { title: "$/h", group: "for the same goodput" },
  { title: "$", group: "per million tokens" },
  { title: "kJ", group: "per million tokens" },
];

function cellsOf(row: ReturnType<typeof procurementRows>[number]) {
  const { at, fleets, usdPerHourForSame, isCheapest } = row;
  if (!at) return ["never gets there", "–", "–", "–", "–", "–"];
  const { summary, rate } = at;
  const cost = { says: dollars(usdPerHourForSame ?? NaN) };
  return [
    `${at.isUnfilled ? ">" : ""}${rate.toFixed(2)}`,
    summary.goodput.toFixed(2),
    (fleets ?? NaN).toFixed(2),
    isCheapest ? { ...cost, kind: "best" as const } : cost,
    dollars(summary.usdPerMTok),
    grouped(summary.joulesPerMTok / 1000),
  ];
}

function deviceTable(equal: readonly EqualGoodput[], fleets: Report["fleets"]): Html {
  const rows = equal.flatMap(({ fleet, policy, at }) =>
    Object.entries(at?.summary.byDevice ?? {}).map(([device, one]) => ({
      name: html`${fleet}<br /><small class="quiet">${policy}</small>`,
      isOurs: isOurs(policy),
      cells: [
        { says: device, kind: "words" as const },
        { says: statusOf(fleets, device), kind: "words" as const },
        String(one.engines),
        { says: percent(one.busyShare), bar: one.busyShare },
        dollars(one.usdPerMTok),
        grouped(one.joulesPerMTok / 1000),
      ],
    })),
  );
  const titles = ["device class", "status", "engines", "busy", "$ per million tokens", "kJ"];
  return html`<h3>By device class, at that rate</h3>
    ${table(
      "Simulated cost of the same goodput by device class",
      "fleet",
      titles.map((title) => ({ title })),
      rows,
    )}`;
}

function statusOf(fleets: Report["fleets"], device: string): string {
  return fleets.flatMap(({ setup }) => setup.mesh.devices.get(device)?.status ?? [])[0] ?? "–";
}
