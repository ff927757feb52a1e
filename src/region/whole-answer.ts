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

/**
 * True when an engine's body is a list of vectors: a JSON object whose `data` is an array with something in it. The
 * vectors themselves may be megabytes and are not read.
 */
export function isWholeEmbedding(body: Uint8Array): boolean {
  try {
    return topLevelMembers(body).some(({ name, valueStart }) => {
      const begin = new TextDecoder().decode(body.subarray(valueStart, valueStart + BEGIN_BYTES));
      return name === "data" && /^\[\s*\{/.test(begin);
    });
  } catch {
    return false;
  }
}

/** Enough to see what an array begins with. */
const BEGIN_BYTES = 64;

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
