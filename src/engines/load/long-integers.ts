/**
 * The JSON text with quotes around the integers that a number could not hold, so that they are read as text, digit for
 * digit. Fractions, exponents and what is inside strings stay as they are.
 */
export function quoteLongIntegers(json: string): string {
  const pieces: string[] = [];
  let at = 0;
  while (at < json.length) {
    const found = json.indexOf('"', at);
    const quote = found < 0 ? json.length : found;
    pieces.push(json.slice(at, quote).replace(LONG_INTEGER, '"$&"'));
    at = stringEnd(json, quote);
    pieces.push(json.slice(quote, at));
  }
  return pieces.join("");
}

/** 15 digits are always exact. */
const LONG_INTEGER = /(?<![\w.+-])-?\d{16,}(?![\w.+-])/g;

function stringEnd(json: string, quote: number): number {
  for (let at = quote + 1; ; at += 1) {
    at = json.indexOf('"', at);
    if (at < 0) return json.length;
    let slashes = 0;
    while (json[at - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return at + 1;
  }
}
