import { usdPerHour } from "./equal-goodput.ts";
import { html, type Html } from "./html.ts";
import { dollars, figure, grouped } from "./numbers.ts";
import { deviceName, type FleetReport, type Report } from "./report.ts";
import { table } from "./table.ts";

/** What the fleets are made of. */
export function fleetsSection({ fleets, model }: Report): Html {
  return html`<section id="fleets">
    <h2>The fleets</h2>
    <p>
      Pools that serve ${model.id}, which is what the replay asks for. Prices are hourly rents from
      the table of device classes; many are estimates.
    </p>
    ${fleets.map(fleetPart)}
  </section>`;
}

const TITLES = [
  "device class",
  "region",
  "roles",
  "engines",
  "devices each",
  "KV tokens each",
  "$/h",
];

function fleetPart({ name, setup }: FleetReport): Html {
  const rows = [...setup.mesh.pools.values()].map((pool) => {
    const device = setup.mesh.devices.get(pool.device);
    const speed = setup.speeds.get(pool.id);
    const usd = (speed?.usdPerMs ?? 0) * 3_600_000 * pool.engines.length;
    const words = [device ? deviceName(device) : pool.device, pool.region, pool.roles.join(", ")];
    return {
      name: pool.id,
      cells: [
        ...words.map((says) => ({ says, kind: "words" as const })),
        grouped(pool.engines.length),
        grouped(pool.devices),
        figure(speed?.kvTokens ?? NaN),
        dollars(usd),
      ],
    };
  });
  return html`<h3>${name}: ${dollars(usdPerHour(setup))} per hour</h3>
    ${table(
      `Pools of ${name}`,
      "pool",
      TITLES.map((title) => ({ title })),
      rows,
    )}${linkPart(setup)}`;
}

function linkPart({ links }: FleetReport["setup"]): Html | false {
  const between = links.filter(({ from, to }) => from !== to);
  return (
    between.length > 0 &&
    html`<p class="quiet">
      KV cache goes
      ${between
        .map(
          ({ from, to, bytesPerMs }) => `from ${from} to ${to} at ${figure(bytesPerMs / 1e6)} GB/s`,
        )
        .join("; ")}.
    </p>`
  );
}
