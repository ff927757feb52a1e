import type { ChatRequest } from "../../core/chat-request.ts";
import { parseExact } from "../../core/exact-json.ts";
import { splice, topLevelMembers } from "../../core/json-members.ts";
import type { ParsedRequest, Recalled } from "../app-api.ts";
import { chatRequest } from "../chat/parse.ts";
import { apiError } from "../errors.ts";
import { parseBody } from "../parse-body.ts";
import { chatMembers, OWN_MEMBERS } from "./chat-members.ts";
import { chatMessages } from "./chat-messages.ts";
import type { Item } from "./items.ts";
import { itemsOf, resolved } from "./recall.ts";
import { responseRenderer } from "./renderer.ts";
import { conversationOf } from "./response.ts";
import { type ResponsesBody, responsesSchema } from "./schema.ts";
import { unserved } from "./unserved.ts";

export function parseResponses(bytes: Uint8Array): ParsedRequest {
  const parsed = parseBody(bytes, responsesSchema, parseExact);
  if (!parsed.ok) return parsed;
  const { body } = parsed;
  const error = unserved(body);
  if (error !== undefined) return { ok: false, error };
  const own = body.input ?? [];
  const previous = body.previous_response_id ?? undefined;
  const items = own.flatMap((item) => (item.type === "item_reference" ? [item.id] : []));
  const conversation = conversationOf(body);
  const isAlone = previous === undefined && conversation === undefined && items.length === 0;
  if (isAlone) return asked(body, [], own, bytes);
  const known = own.filter(({ type }) => type !== "item_reference");
  const recalls = {
    ...(previous !== undefined && { previous }),
    ...(conversation !== undefined && { conversation }),
    items,
    with: (recalled: Recalled) => goesOn(body, recalled, bytes),
  };
  return { ok: true, request: requestOf(body, known, bytes), recalls };
}

/** The request with what it goes on from. */
function goesOn(body: ResponsesBody, recalled: Recalled, bytes: Uint8Array): ParsedRequest {
  const own = resolved(body.input ?? [], recalled);
  if (!("missing" in own)) return asked(body, recalled.chain.flatMap(itemsOf), own.items, bytes);
  const error = apiError("not_found", `Item with id '${own.missing}' not found.`, "input");
  return { ok: false, error };
}

function asked(
  body: ResponsesBody,
  before: readonly Item[],
  own: readonly Item[],
  bytes: Uint8Array,
): ParsedRequest {
  const items = [...before, ...own];
  if (items.length === 0 && !body.instructions) return { ok: false, error: nothingAsked };
  return {
    ok: true,
    request: requestOf(body, items, bytes),
    answer: (facts) => responseRenderer(body, own, facts),
    ...follows(own),
    stores: body.store !== false || conversationOf(body) !== undefined,
  };
}

/** Clients that send their whole history send the items of answers with the ids they came with. */
function follows(own: readonly Item[]): { readonly follows?: string } {
  const id = own.findLast((item) => typeof item["id"] === "string" && ANSWERS.has(item.type))?.[
    "id"
  ];
  return typeof id === "string" ? { follows: id } : {};
}

/** Types of items that answers are made of. */
const ANSWERS: ReadonlySet<string> = new Set(["message", "function_call", "reasoning"]);

const nothingAsked = apiError("invalid_request", "There is no `input`.", "input");

/** What only engines know goes on byte for byte. */
function requestOf(body: ResponsesBody, items: readonly Item[], bytes: Uint8Array): ChatRequest {
  const messages = chatMessages(body.instructions, items);
  const members = Object.entries({ ...chatMembers(body), messages });
  const set = members.flatMap(([name, value]) =>
    value === undefined ? [] : [[name, JSON.stringify(value)] as const],
  );
  const remove = members.flatMap(([name, value]) => (value === undefined ? [name] : []));
  const edits = { set: Object.fromEntries(set), remove: [...OWN_MEMBERS, ...remove] };
  const chat = splice(bytes, topLevelMembers(bytes), edits);
  const { conversation: _none, ...rest } = body;
  const said = { ...rest, ...Object.fromEntries(members), messages };
  return { ...chatRequest(said, chat), includeUsage: true };
}
