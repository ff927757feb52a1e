import type { Context } from "hono";
import type { ParsedRequest, Recalled, Recalls } from "../apps/app-api.ts";
import { readItemId, readResponseId, type ResponsePlace } from "../core/stored-response.ts";
import type { StoreAsk } from "../rpc/session-messages.ts";
import { isOwnName } from "../turn/session-name.ts";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";

type Parsed = Extract<ParsedRequest, { ok: true }>;

/** A request with the stored responses that it goes on from, one call for each session of theirs; or the refusal. */
export async function recall(
  c: Context<HttpEnv>,
  parsed: Parsed,
): Promise<RecalledRequest | Response> {
  const { recalls } = parsed;
  if (recalls === undefined) return { parsed };
  const { ids } = c.get("mesh");
  const previous =
    recalls.previous && (await ownPlace(c, await readResponseId(ids, recalls.previous)));
  if (recalls.previous !== undefined && !previous) return noPrevious(c, recalls.previous);
  const conversation = recalls.conversation && (await ownConversation(c, recalls.conversation));
  if (recalls.conversation !== undefined && !conversation) {
    return noConversation(c, recalls.conversation);
  }
  const wanted = await itemPlaces(c, recalls);
  const recalled = await recallAll(c, previous || undefined, conversation || undefined, wanted);
  if (recalled === "gone") return noConversation(c, recalls.conversation ?? "");
  if (recalled === "lost") {
    return refuse(c, "engine_unavailable", "The stored responses cannot be read right now.");
  }
  if (previous && recalled.chain.length === 0) return noPrevious(c, recalls.previous ?? "");
  const whole = recalls.with(recalled);
  if (!whole.ok) return c.get("errors").respond(whole.error, c.get("requestId"));
  const session = conversation || (previous || [...wanted.values()].at(-1))?.session;
  return {
    parsed: whole,
    ...(session && { session }),
    ...(previous && { goesOn: { previous: previous.number } }),
    ...(conversation && { goesOn: { conversation: true } }),
  };
}

export type RecalledRequest = {
  readonly parsed: Parsed;
  /** Of the response that it goes on from, else of the last item it names. */
  readonly session?: string;
  /** What of that session its answer is stored after. */
  readonly goesOn?: Pick<StoreAsk, "previous" | "conversation">;
};

/** A place in a session of the caller's own tenant. */
export async function ownPlace<Place extends ResponsePlace>(
  c: Context<HttpEnv>,
  place: Place | undefined,
): Promise<Place | undefined> {
  return place && (await isOwnName(c.get("tenant"), place.session)) ? place : undefined;
}

/** The session of an item of the caller's own tenant, if it was stored. */
export async function sessionOfItem(
  c: Context<HttpEnv>,
  id: string | undefined,
): Promise<string | undefined> {
  if (id === undefined) return undefined;
  return (await ownPlace(c, await readItemId(c.get("mesh").ids, id)))?.session;
}

type ItemPlace = ResponsePlace & { readonly index: number };

async function itemPlaces(
  c: Context<HttpEnv>,
  { items }: Recalls,
): Promise<ReadonlyMap<string, ItemPlace>> {
  const places = await Promise.all(
    items.map(
      async (id) => [id, await ownPlace(c, await readItemId(c.get("mesh").ids, id))] as const,
    ),
  );
  return new Map(places.flatMap(([id, place]) => (place === undefined ? [] : [[id, place]])));
}

async function recallAll(
  c: Context<HttpEnv>,
  previous: ResponsePlace | undefined,
  conversation: string | undefined,
  wanted: ReadonlyMap<string, ItemPlace>,
): Promise<Recalled | "lost" | "gone"> {
  const main = conversation ?? previous?.session;
  const numbers = new Map<string, Set<number>>();
  if (main !== undefined) numbers.set(main, new Set());
  for (const { session, number } of wanted.values()) {
    numbers.set(session, (numbers.get(session) ?? new Set()).add(number));
  }
  const tenant = c.get("tenant");
  const answers = await Promise.all(
    [...numbers].map(async ([session, own]) => {
      const ask = {
        v: 1,
        tenant,
        numbers: [...own],
        ...(session === previous?.session && { chainOf: previous.number }),
        ...(session === conversation && { conversation: true }),
      } as const;
      return [session, await c.get("mesh").sessions.recall(session, ask)] as const;
    }),
  );
  const items = new Map<string, NonNullable<ReturnType<Recalled["items"]["get"]>>>();
  let chain: Recalled["chain"] = [];
  for (const [session, answer] of answers) {
    if (answer === "lost") return "lost";
    if (session === conversation && answer?.conversation === undefined) return "gone";
    if (session === main) chain = answer?.chain ?? [];
    for (const [id, place] of wanted) {
      const stored = place.session === session ? answer?.found.get(place.number) : undefined;
      if (stored !== undefined) items.set(id, { stored, index: place.index });
    }
  }
  return { chain, items };
}

/** The session of a conversation of the caller's own tenant. */
export async function ownConversation(
  c: Context<HttpEnv>,
  id: string,
): Promise<string | undefined> {
  const own = await c.get("mesh").ids.read(id);
  if (own?.kind !== "conv") return undefined;
  return (await isOwnName(c.get("tenant"), own.payload)) ? own.payload : undefined;
}

export function noConversation(c: Context<HttpEnv>, id: string): Response {
  return refuse(c, "not_found", `Conversation with id '${id}' not found.`, "conversation");
}

function noPrevious(c: Context<HttpEnv>, id: string): Response {
  const message = `Previous response with id '${id}' not found.`;
  return refuse(c, "previous_response_not_found", message, "previous_response_id");
}
