import { html, type Html } from "./html.ts";

/** How values become heights: `log` from `from` upwards, with what is smaller at the bottom. */
export type Scale = {
  readonly kind: "linear" | "log";
  readonly from: number;
  readonly to: number;
  /** What is written beside the axis. */
  readonly ticks: readonly { readonly at: number; readonly says: string }[];
};

const WIDTH = 360;
const HEIGHT = 120;
const LEFT = 44;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

/** A curve over time, from 0 to `untilMs`; gaps where values are NaN. */
export function curve(given: {
  readonly label: string;
  readonly values: readonly number[];
  readonly stepMs: number;
  readonly untilMs: number;
  readonly y: Scale;
  readonly until: string;
  readonly isOurs: boolean;
}): Html {
  const { values, stepMs, untilMs, y, isOurs } = given;
  let path = "";
  let isDown = false;
  for (const [step, value] of values.entries()) {
    if (Number.isNaN(value)) continue;
    const x = LEFT + (((step + 0.5) * stepMs) / untilMs) * (WIDTH - LEFT - RIGHT);
    path += `${isDown ? "L" : "M"}${x.toFixed(1)} ${height(y, value).toFixed(1)}`;
    isDown = true;
  }
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${given.label}">
    ${frame(y)}
    <text x="${LEFT}" y="${HEIGHT - 5}">0</text>
    <text x="${WIDTH - RIGHT}" y="${HEIGHT - 5}" text-anchor="end">${given.until}</text>
    <path class="curve${!isOurs && " other"}" d="${path}" />
  </svg>`;
}

/** Columns side by side, with a word under some of them. */
export function columns(
  label: string,
  values: readonly number[],
  under: readonly { readonly column: number; readonly says: string }[],
  y: Scale,
): Html {
  const room = (WIDTH - LEFT - RIGHT) / Math.max(1, values.length);
  const bars = values.map((value, n) => {
    const top = height(y, value);
    const x = (LEFT + n * room + room * 0.08).toFixed(1);
    const tall = Math.max(0, HEIGHT - BOTTOM - top).toFixed(1);
    return html`<rect
      class="column"
      x="${x}"
      y="${top.toFixed(1)}"
      width="${(room * 0.84).toFixed(1)}"
      height="${tall}"
    />`;
  });
  const words = under.map(
    ({ column, says }) =>
      html`<text
        x="${(LEFT + (column + 0.5) * room).toFixed(1)}"
        y="${HEIGHT - 5}"
        text-anchor="middle"
        >${says}</text
      >`,
  );
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
    ${frame(y)}${bars}${words}
  </svg>`;
}

/** A linear scale from 0 with two or three round ticks. */
export function linear(most: number, says: (value: number) => string): Scale {
  const top = most > 0 ? most : 1;
  const power = 10 ** Math.floor(Math.log10(top));
  const step = [0.25, 0.5, 1, 2, 5].map((n) => n * power).find((n) => top / n <= 3) ?? power;
  const ticks = [];
  for (let at = 0; at <= top * 1.0001; at += step) ticks.push({ at, says: says(at) });
  return { kind: "linear", from: 0, to: top, ticks };
}

/** A logarithmic scale over powers of ten. */
export function logarithmic(least: number, most: number, says: (value: number) => string): Scale {
  const first = Math.floor(Math.log10(least));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(most, least))));
  const every = Math.ceil((last - first) / 4);
  const ticks = [];
  for (let power = first; power <= last; power += every) {
    ticks.push({ at: 10 ** power, says: says(10 ** power) });
  }
  return { kind: "log", from: 10 ** first, to: 10 ** last, ticks };
}

/** Where a value lies between the ends of a scale, 0..1. */
export function part({ kind, from, to }: Scale, value: number): number {
  const at =
    kind === "linear"
      ? (value - from) / (to - from)
      : Math.log(Math.max(value, from) / from) / Math.log(to / from);
  return Math.max(0, Math.min(1, at));
}

function height(y: Scale, value: number): number {
  return HEIGHT - BOTTOM - part(y, value) * (HEIGHT - TOP - BOTTOM);
}

function frame(y: Scale): Html[] {
  return y.ticks.map(({ at, says }) => {
    const line = height(y, at).toFixed(1);
    return html`<line
        class="axis"
        x1="${LEFT}"
        x2="${WIDTH - RIGHT}"
        y1="${line}"
        y2="${line}"
      /><text x="${LEFT - 5}" y="${(height(y, at) + 4).toFixed(1)}" text-anchor="end"
        >${says}</text
      >`;
  });
}
