import { rawItems, rawMember, splice, spliceText, topLevelMembers } from "../core/json-members.ts";

/**
 * A whole answer, or the data of one frame of it, without what engines tell one another in it, which names other engines
 * and their memory, and without its `unasked` members. The same text where there is nothing to take out; every other byte
 * stays. Throws `SyntaxError` for an answer with such members in which they cannot be found.
 */
export function forClient(json: string, unasked: readonly string[] = []): string {
  const remove = [...BETWEEN_ENGINES, ...unasked];
  // Quotes inside JSON strings are escaped, so this finds members only.
  if (!remove.some((name) => json.includes(`"${name}"`))) return json;
  const bytes = encoder.encode(json);
  const choices = rawMember(bytes, ["choices"]);
  const said = choices?.startsWith("[") ? { choices: withoutEach(choices) } : {};
  return decoder.decode(splice(bytes, topLevelMembers(bytes), { set: said, remove }));
}

/** Members by which engines hand their KV caches to one another, in an answer or in each choice of it. */
const BETWEEN_ENGINES = ["kv_transfer_params", "ec_transfer_params", "disaggregated_params"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function withoutEach(choices: string): string {
  let rest = choices;
  let written = "";
  for (const choice of rawItems(choices)) {
    const at = rest.indexOf(choice);
    const taken = choice.startsWith("{")
      ? spliceText(choice, { set: {}, remove: BETWEEN_ENGINES })
      : choice;
    written += rest.slice(0, at) + taken;
    rest = rest.slice(at + choice.length);
  }
  return written + rest;
}
