/** A JSON object in which integers that a double cannot hold are bigints. Throws a SyntaxError. */
export function parseExactly(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(text, keepDigits) as Record<string, unknown>;
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isWide = typeof value === "number" && !Number.isSafeInteger(value);
  const source = context?.source ?? "";
  return isWide && /^-?\d+$/.test(source) ? BigInt(source) : value;
}
