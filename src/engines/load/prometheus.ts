/** One line of a metrics page. */
export type Sample = {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** NaN and the infinities too. */
  readonly value: number;
};

/**
 * Reads the samples of a page in the Prometheus or OpenMetrics text format. Comments, lines that are none, lines of
 * names that nobody `wants` and whatever lies beyond the bounds are passed over.
 */
export function* readPrometheus(
  text: string,
  wants: (name: string) => boolean = () => true,
): Generator<Sample> {
  const end = Math.min(text.length, MAX_CHARS);
  let count = 0;
  for (let start = 0; start < end && count < MAX_SAMPLES;) {
    const found = text.indexOf("\n", start);
    const lineEnd = found < 0 ? text.length : found;
    if (lineEnd - start <= MAX_LINE_CHARS) {
      const sample = readLine(text.slice(start, lineEnd).trim(), wants);
      if (sample !== undefined) {
        count += 1;
        yield sample;
      }
    }
    start = lineEnd + 1;
  }
}

/** More than any engine's page has, characters and samples. */
const MAX_CHARS = 16 * 1024 * 1024;
const MAX_LINE_CHARS = 64 * 1024;
const MAX_SAMPLES = 50_000;

const NAME = /^[a-zA-Z_:][\w:]*/;
const LABEL = /[ \t,]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"/y;

function readLine(line: string, wants: (name: string) => boolean): Sample | undefined {
  const name = NAME.exec(line)?.[0];
  if (name === undefined || !wants(name)) return undefined;
  const rest = line.slice(name.length).trimStart();
  const labels = new Map<string, string>();
  const after = rest.startsWith("{") ? readLabels(rest, labels) : 0;
  if (after < 0) return undefined;
  // A time and an exemplar may follow.
  const [told = ""] = rest.slice(after).trimStart().split(/[ \t]/, 1);
  const value = readValue(told);
  return value === undefined ? undefined : { name, labels, value };
}

/** Where the labels in braces end; -1 when they are broken. */
function readLabels(text: string, labels: Map<string, string>): number {
  let at = 1;
  for (;;) {
    LABEL.lastIndex = at;
    const label = LABEL.exec(text);
    if (label === null) break;
    const start = LABEL.lastIndex;
    const end = quoteEnd(text, start);
    if (end < 0) return -1;
    labels.set(label[1] ?? "", unescape(text.slice(start, end)));
    at = end + 1;
  }
  const close = text.indexOf("}", at);
  return close >= 0 && /^[ \t,]*$/.test(text.slice(at, close)) ? close + 1 : -1;
}

function quoteEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
  }
  return -1;
}

function unescape(text: string): string {
  return text.replaceAll(/\\([\\"n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
}

const INFINITIES = /^([+-]?)inf(?:inity)?$/i;

function readValue(told: string): number | undefined {
  const infinity = INFINITIES.exec(told);
  if (infinity !== null) return infinity[1] === "-" ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(told)) return NaN;
  return /^[+-]?[\d.]/.test(told) && !Number.isNaN(Number(told)) ? Number(told) : undefined;
}
