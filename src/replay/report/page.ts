import { comparisonSection } from "./comparison-section.ts";
import { courseSection } from "./course-section.ts";
import { devicesSection } from "./devices-section.ts";
import { fleetsSection } from "./fleets-section.ts";
import { Html, html } from "./html.ts";
import { inventorySection } from "./inventory-section.ts";
import { figure, grouped } from "./numbers.ts";
import { procurementSection } from "./procurement-section.ts";
import type { Report } from "./report.ts";
import { STYLE } from "./style.ts";

/** A page that says what a replay came to: no scripts, nothing from the network. */
export function reportPage(report: Report): string {
  const { inventory, fleets, equal, command, model } = report;
  const title = `Replay of ${inventory.name}`;
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${title}</title>
      <style>
        ${new Html(STYLE)}
      </style>
    </head>
    <body>
      <header>
        <h1>${title}</h1>
        <p>
          ${grouped(inventory.requests)} recorded requests, ${figure(inventory.promptTokens)} prompt
          and ${figure(inventory.outputTokens)} output tokens, replayed in virtual time for
          ${model.id} on ${fleets.map(({ name }) => name).join(", ")}.
          <span class="simulated">simulated</span> Lengths, times and shared prefixes are the
          trace's. Every latency, rate, dollar and joule on this page is simulated or modelled; no
          engine was run.
        </p>
        <nav aria-label="Sections">
          <ul>
            <li><a href="#work">What kind of work</a></li>
            <li><a href="#devices">Which devices want it</a></li>
            ${equal.length > 0 && html`<li><a href="#same-goodput">Cost of the same goodput</a></li>`}
            <li><a href="#comparison">Policies compared</a></li>
            <li><a href="#course">Time course</a></li>
            <li><a href="#fleets">The fleets</a></li>
          </ul>
        </nav>
      </header>
      <main>
        ${inventorySection(report)}${devicesSection(report)}${procurementSection(report)}${comparisonSection(report)}${courseSection(report)}${fleetsSection(report)}
      </main>
      <footer>
        <p>This page again, with the same simulated numbers:</p>
        <pre><code>${command}</code></pre>
      </footer>
    </body>
  </html>`;
  return `<!doctype html>\n${page}\n`;
}
