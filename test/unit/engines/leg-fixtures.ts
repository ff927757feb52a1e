import { rawMember, splice, topLevelMembers } from "../../../src/core/json-members.ts";
import type { LegContext } from "../../../src/engines/dialect.ts";
import { dialectOf } from "../../../src/engines/registry.ts";

/** What a leg's engine receives for a client's body: the body's text, and the headers that the dialect sets. */
export function written(
  dialect: string,
  leg: LegContext["leg"],
  body: string,
  order: Partial<LegContext> = {},
) {
  const bytes = new TextEncoder().encode(body);
  const members = topLevelMembers(bytes);
  const message = dialectOf(dialect).write({
    leg,
    requestId: "req_1",
    present: new Set(members.map(({ name }) => name)),
    raw: (name) => rawMember(bytes, [name]),
    stream: false,
    model: "own-name",
    ...order,
  });
  if (message === undefined) throw new TypeError("the leg could not be written");
  const { edits, headers } = message;
  return { body: new TextDecoder().decode(splice(bytes, members, edits)), headers };
}

/** The same, the body alone. */
export function bodyFor(...leg: Parameters<typeof written>): string {
  return written(...leg).body;
}

/** What a dialect makes of the whole body of a prefill answer. */
export function prefillAnswer(dialect: string, body: string) {
  const { handoff, usage, final } = dialectOf(dialect).readPrefill(new TextEncoder().encode(body));
  return { handoff: handoff?.raw, usage, final: final && new TextDecoder().decode(final) };
}
