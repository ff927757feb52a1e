import { columns, curve, linear } from "./charts.ts";
import { html, type Html } from "./html.ts";
import type { Inventory, LabelCount, SizeBin } from "./inventory.ts";
import { duration, figure, grouped, percent } from "./numbers.ts";
import type { Report } from "./report.ts";
import { table } from "./table.ts";

/** What kind of work the trace is: labels, arrivals, lengths, sharing. */
export function inventorySection({ inventory }: Report): Html {
  const { arrivals, prompts, outputs, promptTokens, outputTokens } = inventory;
  const facts = [
    ["requests", grouped(inventory.requests)],
    ["prompt tokens, mean", figure(prompts.mean)],
    ["output tokens, mean", figure(outputs.mean)],
    ["prompt to output", `${figure(promptTokens / Math.max(1, outputTokens))} : 1`],
    ["arrivals per second", figure(arrivals.perS)],
    [
      "shared prompt tokens, at most",
      inventory.sharing.isKnown ? percent(inventory.sharing.ceiling) : "unknown",
    ],
  ] as const;
  return html`<section id="work">
    <h2>What kind of work is this?</h2>
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    <h3>Labels</h3>
    <p>
      Each request on the five axes, as the mesh would label it if it knew the length of the answer
      and had one infinite shared cache. The trace says nothing of urgency and place: all of it
      counts as <em>interactive</em> and <em>anywhere</em>.
    </p>
    ${labelTable(inventory)}${arrivalPart(inventory)}${lengthPart(inventory)}${sharingPart(inventory)}
  </section>`;
}

function labelTable({ axes, requests, promptTokens, outputTokens }: Inventory): Html {
  const row = (one: LabelCount) => ({
    name: html`<small class="quiet">${one.axis}</small> ${one.value}`,
    cells: [
      grouped(one.requests),
      { says: percent(one.requests / requests), bar: one.requests / requests },
      figure(one.promptTokens),
      {
        says: percent(one.promptTokens / promptTokens),
        bar: one.promptTokens / promptTokens,
      },
      percent(one.cachedTokens / Math.max(1, one.promptTokens)),
      figure(one.outputTokens),
      {
        says: percent(one.outputTokens / outputTokens),
        bar: one.outputTokens / outputTokens,
      },
    ],
  });
  const titles = [
    { title: "number", group: "requests" },
    { title: "share", group: "requests" },
    { title: "tokens", group: "prompts" },
    { title: "share", group: "prompts" },
    { title: "cached at most", group: "prompts" },
    { title: "tokens", group: "outputs" },
    { title: "share", group: "outputs" },
  ];
  return table("Requests and tokens by label", "label", titles, axes.map(row));
}

function arrivalPart({ arrivals }: Inventory): Html {
  const { thinkS, spanS } = arrivals;
  const what = thinkS === undefined ? "requests" : "sessions";
  const y = linear(Math.max(...arrivals.course), (value) => figure(value));
  const turns =
    thinkS === undefined
      ? ""
      : ` A session has ${figure(arrivals.turnsPerSession)} turns on average; each waits for the answer before it, then ${duration(thinkS * 1000)} on average.`;
  return html`<h3>How it arrives</h3>
    <p>
      ${grouped(arrivals.arrivals)} ${what} in ${duration(spanS * 1000)}, at
      ${grouped(arrivals.moments)} different moments and up to ${grouped(arrivals.mostAtOnce)} at
      once. Gaps vary ${figure(arrivals.gapVariation)} times as much as their mean (pure chance: 1);
      the busiest six seconds bring ${figure(arrivals.peakOverMean)} times the mean.${turns}
    </p>
    <figure>
      <figcaption>
        Arrivals of ${what} per ${duration((spanS * 1000) / arrivals.course.length)}, as traced
      </figcaption>
      ${curve({
        label: `Arrivals of ${what} over the trace`,
        values: arrivals.course,
        stepMs: 1,
        untilMs: arrivals.course.length,
        y,
        until: duration(spanS * 1000),
        isOurs: true,
      })}
    </figure>`;
}

function lengthPart({ prompts, outputs, promptSizes, outputSizes }: Inventory): Html {
  const spreads = (
    [
      ["prompt", prompts],
      ["output", outputs],
    ] as const
  ).map(([name, { mean, p50, p90, p99, max }]) => ({
    name,
    cells: [mean, p50, p90, p99, max].map(grouped),
  }));
  const titles = ["mean", "p50", "p90", "p99", "max"].map((title) => ({ title }));
  return html`<h3>How long it is</h3>
    ${table("Lengths in tokens", "tokens", titles, spreads)}
    <div class="panels">
      <figure>
        <figcaption>Requests by prompt tokens</figcaption>
        ${sizeChart("Requests by prompt tokens", promptSizes)}
      </figure>
      <figure>
        <figcaption>Requests by output tokens</figcaption>
        ${sizeChart("Requests by output tokens", outputSizes)}
      </figure>
    </div>`;
}

function sizeChart(label: string, bins: readonly SizeBin[]): Html {
  const every = Math.ceil(bins.length / 6);
  const under = bins.flatMap(({ from }, column) =>
    column % every === 0 ? [{ column, says: sizeName(from) }] : [],
  );
  const counts = bins.map(({ requests }) => requests);
  const y = linear(Math.max(1, ...counts), (value) => figure(value));
  return columns(label, counts, under, y);
}

function sizeName(tokens: number): string {
  return tokens >= 1024 ? `${tokens / 1024}k` : String(tokens);
}

function sharingPart({ sharing }: Inventory): Html {
  if (!sharing.isKnown) {
    return html`<h3>What it shares</h3>
      <p>
        The trace has no hashes of its prompts, so nothing is known of what they share; they are
        replayed as if they shared nothing.
      </p>`;
  }
  const { ceilingByBlock } = sharing;
  const titles = sharing.bySize.map(({ tokens }) => ({ title: `${figure(tokens)} tokens` }));
  const rates = sharing.bySize.map(({ hitRate }) => ({ says: percent(hitRate), bar: hitRate }));
  return html`<h3>What it shares</h3>
    <p>
      An infinite shared cache would hold ${percent(sharing.ceiling)} of all prompt
      tokens${ceilingByBlock !== null && ` (${percent(ceilingByBlock)} of the trace's own blocks)`}.
      ${percent(sharing.findNothing)} of requests find nothing there, ${percent(sharing.findMost)}
      more than half of their prompt. ${percent(sharing.blocksOnce)} of all blocks occur once only;
      the most common one is in ${percent(sharing.mostCommon)} of requests.
    </p>
    <figure>
      <figcaption>
        Share of prompt tokens that one least-recently-used cache of each size would hold
      </figcaption>
      ${table(
        "Hit rate by size of the cache",
        "cache",
        [...titles, { title: "infinite" }],
        [
          {
            name: "hit rate",
            cells: [...rates, { says: percent(sharing.ceiling), bar: sharing.ceiling }],
          },
        ],
      )}
    </figure>`;
}
