/**
 * The user messages of a turn whose whole input is `input`, given those of the turn before (number `turn`).
 * Text added is a new message after that turn's answer. Where the history was rewritten, messages found unchanged
 * keep their answers and what lies between them becomes one changed message.
 */
export function nextHistory(before: readonly Segment[], turn: number, input: string): Segment[] {
  const answered = before.map((s, i) => (i === before.length - 1 ? { ...s, answer: turn } : s));
  const kept: Segment[] = [];
  let at = 0;
  let next = 0;
  while (at < input.length) {
    const found = earliest(answered, next, input, at);
    if (!found) {
      kept.push({ text: input.slice(at) });
      break;
    }
    const segment = answered[found.index] as Segment;
    if (found.at > at) {
      const changed = input.slice(at, found.at - SEPARATOR.length);
      const answer = found.index > next ? answered[found.index - 1]?.answer : undefined;
      kept.push(answer === undefined ? { text: changed } : { text: changed, answer });
    }
    kept.push(segment);
    at = found.at + segment.text.length + SEPARATOR.length;
    next = found.index + 1;
  }
  const last = kept.pop();
  return last ? [...kept, { text: last.text }] : [];
}

/** One user message, and the turn whose answer stands after it; the last one has none yet. */
export type Segment = { readonly text: string; readonly answer?: number };

const SEPARATOR = "\n\n";

/** The old message, not before `next`, that stands unchanged and whole nearest after `at`. */
function earliest(
  segments: readonly Segment[],
  next: number,
  input: string,
  at: number,
): Found | undefined {
  let best: Found | undefined;
  for (let index = next; index < segments.length; index += 1) {
    const position = standsWhole(segments[index]?.text ?? "", input, at, best?.at ?? input.length);
    if (position === at) return { index, at };
    if (position !== undefined) best = { index, at: position };
  }
  return best;
}

type Found = { readonly index: number; readonly at: number };

function standsWhole(
  text: string,
  input: string,
  from: number,
  before: number,
): number | undefined {
  for (
    let at = input.indexOf(text, from);
    at !== -1 && at < before;
    at = input.indexOf(text, at + 1)
  ) {
    const end = at + text.length;
    const opens = at === from || input.startsWith(SEPARATOR, at - SEPARATOR.length);
    if (opens && (end === input.length || input.startsWith(SEPARATOR, end))) return at;
  }
  return undefined;
}
