/** True when an engine's body is a completion: a JSON object with at least one choice. */
export function isWholeAnswer(body: Uint8Array): boolean {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof parsed !== "object" || parsed === null || !("choices" in parsed)) return false;
    const { choices } = parsed;
    return Array.isArray(choices) && choices.length > 0 && choices.every(isObject);
  } catch {
    return false;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
