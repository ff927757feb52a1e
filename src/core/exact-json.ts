/**
 * Parses JSON so that `JSON.stringify` gives its numbers back digit for digit: those that a double cannot hold become
 * opaque objects. Throws a SyntaxError.
 */
export function parseExact(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  return exact.parse(text, (_name, value, { source }) =>
    typeof value === "number" && source !== undefined && isRounded(value, source)
      ? exact.rawJSON(source)
      : value,
  );
}

/** Fewer digits always fit. */
const MOST_DIGITS = 15;
const LONG_NUMBER = /\d[\d.]{15}|[eE]\+?\d{3}/;

/** How a short number is spelled is not kept: it would depend on what else is there. */
function isRounded(value: number, source: string): boolean {
  return !Number.isFinite(value) || (source.length > MOST_DIGITS && String(value) !== source);
}

/** What engines have of JSON beyond TypeScript's declarations for ES2024. */
type ExactJson = {
  parse(
    text: string,
    reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

const exact = JSON as unknown as ExactJson;
