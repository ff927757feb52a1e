import { rawItems, rawMemberOf, spliceText } from "../../core/json-members.ts";
import type { LegContext } from "../dialect.ts";

/** The client's own `nvext` with what the frontend should know of the request, as raw JSON text. */
export function nvextOf({ raw, hints, pin, cacheSalt }: LegContext): string {
  const own = objectOr(raw("nvext"));
  const set = {
    extra_fields: withExtraFields(rawMemberOf(own, "extra_fields")),
    ...(hints && { agent_hints: agentHints(rawMemberOf(own, "agent_hints"), hints) }),
    ...(cacheSalt !== undefined && { cache_salt: JSON.stringify(cacheSalt) }),
    ...(pin !== undefined && pinMembers(pin)),
  };
  return spliceText(own, { set, remove: ONLY_OURS });
}

/** Who goes first among tenants is not for a client to say; how long its answer gets, it may know better. */
function agentHints(own: string | undefined, hints: NonNullable<LegContext["hints"]>): string {
  const known = objectOr(own);
  const has = (name: string) => rawMemberOf(known, name) !== undefined;
  const set = {
    priority: String(hints.priority),
    ...(has("strict_priority") && { strict_priority: "0" }),
    ...(!has("osl") && { osl: String(hints.outputTokens) }),
  };
  return spliceText(known, { set, remove: [] });
}

/** What `told` reads back. */
function withExtraFields(own: string | undefined): string {
  const fields = own?.startsWith("[") ? rawItems(own) : [];
  return `[${[...new Set([...fields, '"worker_id"', '"timing"'])].join(",")}]`;
}

const PINS = ["backend_instance_id", "prefill_worker_id", "decode_worker_id"];
/** Who serves a request is not for its client to say; nor that another prompt stands for the one that was routed. */
const ONLY_OURS = [...PINS, "token_data"];

/** Worker ids have 64 bits: they stay the digits that they came as. */
function pinMembers(pin: string): Record<string, string> {
  return Object.fromEntries(
    PINS.flatMap((name) => {
      const worker = rawMemberOf(pin, name);
      return worker === undefined ? [] : [[name, worker]];
    }),
  );
}

function objectOr(raw: string | undefined): string {
  return raw?.startsWith("{") ? raw : "{}";
}
