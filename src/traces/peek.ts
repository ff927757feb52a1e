import type { Line } from "./conversation.ts";
import { type TraceFormat, formatOfLine, formatOfPath } from "./format.ts";

/** Looks at the first lines of a trace for its format and gives all of its lines back. */
export async function peekFormat(
  path: string,
  lines: AsyncGenerator<Line>,
): Promise<{ readonly format: TraceFormat | undefined; readonly lines: AsyncIterable<Line> }> {
  const peeked: Line[] = [];
  let format: TraceFormat | undefined;
  while (!format && peeked.length < PEEKED_LINES) {
    const step = await lines.next();
    if (step.done) break;
    peeked.push(step.value);
    format = formatOfLine(step.value.text);
  }
  return { format: format ?? formatOfPath(path), lines: joined(peeked, lines) };
}

/** Lines looked at, at most, before the path alone decides. */
const PEEKED_LINES = 20;

async function* joined(peeked: readonly Line[], rest: AsyncGenerator<Line>): AsyncGenerator<Line> {
  try {
    yield* peeked;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
