import { topLevelMembers } from "../core/json-members.ts";

/** True when an engine's body is a completion: a JSON object with at least one choice, in which members can be found. */
export function isWholeAnswer(body: Uint8Array): boolean {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body));
    if (!isObject(parsed) || !("choices" in parsed)) return false;
    const { choices } = parsed;
    if (!Array.isArray(choices) || choices.length === 0 || !choices.every(isObject)) return false;
    // What it holds may be nested deeper than whoever reads it next will go.
    topLevelMembers(body);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
