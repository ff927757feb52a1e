import { logarithmic, part, type Scale } from "./charts.ts";
import { html, type Html } from "./html.ts";
import { duration } from "./numbers.ts";

/** A line of the picture: a bar from median to 99th percentile, the mean as a dot. Milliseconds. */
export type Strip = {
  readonly name: string;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly isOurs: boolean;
};

const WIDTH = 360;
const NAME = 112;
const RIGHT = 22;
const ROW = 20;

/** Strips under one another on a common logarithmic scale, `mark` (the bound) as a line through all. */
export function stripChart(
  label: string,
  strips: readonly Strip[],
  mark: { readonly at: number; readonly says: string },
): Html {
  const ends = strips.flatMap(({ mean, p50, p99 }) => [mean, p50, p99]).filter((ms) => ms > 0);
  const scale = logarithmic(
    Math.max(1, Math.min(...ends, mark.at)),
    Math.max(1, ...ends),
    duration,
  );
  const high = 26 + strips.length * ROW;
  const at = markAt(scale, mark.at);
  return html`<div class="strips">
    <svg viewBox="0 0 ${WIDTH} ${high + 18}" role="img" aria-label="${label}">
      ${scale.ticks.map((tick) => axis(scale, tick, high))}
      <line class="mark" stroke-dasharray="3 3" x1="${at}" x2="${at}" y1="14" y2="${high}" />
      <text x="${at}" y="10" text-anchor="middle">${mark.says}</text>
      ${strips.map((strip, row) => drawn(scale, strip, 26 + row * ROW + ROW / 2))}
    </svg>
  </div>`;
}

function drawn(scale: Scale, { name, mean, p50, p99, isOurs }: Strip, y: number): Html {
  const other = !isOurs && " other";
  return html`<text x="0" y="${y + 4}">${name}</text>
    <line
      class="range${other}"
      x1="${markAt(scale, p50)}"
      x2="${markAt(scale, p99)}"
      y1="${y}"
      y2="${y}"
    /><circle class="dot${other}" cx="${markAt(scale, mean)}" cy="${y}" r="5" />`;
}

function axis(scale: Scale, tick: Scale["ticks"][number], high: number): Html {
  const x = markAt(scale, tick.at);
  return html`<line class="axis" x1="${x}" x2="${x}" y1="18" y2="${high}" /><text
      x="${x}"
      y="${high + 14}"
      text-anchor="middle"
      >${tick.says}</text
    >`;
}

function markAt(scale: Scale, value: number): string {
  return (NAME + part(scale, value) * (WIDTH - NAME - RIGHT)).toFixed(1);
}
