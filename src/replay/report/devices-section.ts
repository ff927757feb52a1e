import type { DevicePrice, PricedKind } from "./device-prices.ts";
import { html, type Html } from "./html.ts";
import { dollars, duration, figure, grouped, percent } from "./numbers.ts";
import { deviceName, type Report } from "./report.ts";
import { type Cell, table } from "./table.ts";

/** Which device classes each kind of request wants, and what it would take and cost on every one. */
export function devicesSection({ priced, inventory, slo, model }: Report): Html {
  const shown = priced.filter(
    ({ kind }, at) => at < MOST_KINDS && kind.requests.length * 500 >= inventory.requests,
  );
  const hidden = priced.length - shown.length;
  return html`<section id="devices">
    <h2>Which devices want it? <span class="simulated">modelled</span></h2>
    <p>
      The average request of each kind on each device class that ${model.id} fits, from the roofline
      formulas that the planner uses: no queue, prefixes as in an infinite shared cache, decoded in
      as large a batch as memory and the objective allow. Objectives are ${duration(slo.ttftMs)} to
      the first token and ${duration(slo.tpotMs)} per token after it. Prices and many device figures
      are estimates; announced devices cannot be bought yet.
    </p>
    <h3>Cheapest within the objectives</h3>
    ${wants(shown, inventory.requests)}
    <h3>Prefill</h3>
    <p>
      Beside each device class: how many make one engine, as in the fleets here or as many as the
      model needs. Time and dollars for one request's uncached prompt. Bold: cheapest within the
      objective. Grey: misses it.
    </p>
    ${matrix("Prefill by device class and kind of request", shown, ({ prefillMs, prefillUsd }) => [duration(prefillMs), dollars(prefillUsd)], "prefill")}
    <h3>Decode</h3>
    <p>Time per output token in a full batch, dollars for one whole answer, and the batch.</p>
    ${matrix("Decode by device class and kind of request", shown, ({ tokenMs, decodeUsd, batch }) => [duration(tokenMs), `${dollars(decodeUsd)} ×${batch}`], "decode")}
    ${hidden > 0 && html`<p class="quiet">${hidden} rarer kinds are left out.</p>`}
  </section>`;
}

const MOST_KINDS = 8;

function wants(priced: readonly PricedKind[], requests: number): Html {
  const said = (
    price: DevicePrice | undefined,
    ms: (price: DevicePrice) => number,
    usd: (price: DevicePrice) => number,
  ): Cell =>
    price === undefined
      ? { says: "none keeps the objective", kind: "words" }
      : {
          says: html`${deviceName(price.device)}
            <small>${duration(ms(price))}, ${dollars(usd(price))}</small>`,
          kind: "words",
        };
  const rows = priced.map(({ kind, prefill, decode, both }) => ({
    name: kindName(kind),
    cells: [
      { says: percent(kind.requests.length / requests), bar: kind.requests.length / requests },
      said(
        prefill,
        ({ prefillMs }) => prefillMs,
        ({ prefillUsd }) => prefillUsd,
      ),
      said(
        decode,
        ({ tokenMs }) => tokenMs,
        ({ decodeUsd }) => decodeUsd,
      ),
      said(
        both,
        ({ prefillMs }) => prefillMs,
        ({ prefillUsd, decodeUsd }) => prefillUsd + decodeUsd,
      ),
    ],
  }));
  const titles = ["of requests", "prefill on", "decode on", "both on one device"];
  return table(
    "Device classes by kind of request",
    "kind of request",
    titles.map((title) => ({ title })),
    rows,
  );
}

function matrix(
  label: string,
  priced: readonly PricedKind[],
  says: (price: DevicePrice) => readonly [string, string],
  phase: "prefill" | "decode",
): Html {
  const rows = (priced[0]?.prices ?? []).map(({ device, devices }, row) => ({
    name: html`${deviceName(device)} <small class="quiet">×${grouped(devices)}</small>`,
    cells: priced.map((one): Cell => {
      const price = one.prices[row];
      if (price === undefined) return { says: "–" };
      const [time, cost] = says(price);
      const keeps = phase === "prefill" ? price.keepsTtft : price.keepsTpot;
      const text = html`${time}<br /><small>${cost}</small>`;
      if (price === one[phase]) return { says: text, kind: "best" };
      return keeps ? { says: text } : { says: text, kind: "over" };
    }),
  }));
  const titles = priced.map(({ kind }) => ({
    title: kindName(kind),
    group: `${figure(kind.requests.length)} requests`,
  }));
  return table(label, "device class", titles, rows);
}

function kindName({ phase, context }: PricedKind["kind"]): string {
  return `${phase}, ${context}`;
}
