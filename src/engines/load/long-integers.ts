/**
 * The JSON text with quotes around the integers that a number could not hold, so that they are read as text, digit for
 * digit. Fractions, exponents and what is inside strings stay as they are.
 */
export function quoteLongIntegers(json: string): string {
  let quoted = "";
  let from = 0;
  for (const { 0: found, index } of json.matchAll(STRING_OR_LONG_INTEGER)) {
    if (found.startsWith('"')) continue;
    quoted += `${json.slice(from, index)}"${found}"`;
    from = index + found.length;
  }
  return quoted + json.slice(from);
}

/** 15 digits are always exact. */
const STRING_OR_LONG_INTEGER = /"[^"\\]*(?:\\[^][^"\\]*)*"?|(?<![\w.+-])-?\d{16,}(?![\w.+-])/g;
