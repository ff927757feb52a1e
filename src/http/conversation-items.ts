import { type Context, Hono } from "hono";
import { newItemsSchema } from "../apps/responses/conversation.ts";
import { allItems, pageOf, withId } from "../apps/responses/input-items.ts";
import { itemAt, withoutItem } from "../apps/responses/recall.ts";
import { mintResponseId, readItemId } from "../core/stored-response.ts";
import { authenticate } from "./auth.ts";
import { addItems, type FoundConversation, foundConversation } from "./conversation.ts";
import { conversationOf } from "./conversation-routes.ts";
import type { HttpEnv } from "./env.ts";
import { pageOfQuery } from "./page-query.ts";
import { jsonBody } from "./parsed-body.ts";
import { refuse } from "./refuse.ts";

/** `/v1/conversations/{id}/items`: what was asked and answered in a conversation, and what was added to it. */
export function conversationItemRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/:id/items", authenticate, async (c) => {
    const page = pageOfQuery(c);
    if (page instanceof Response) return page;
    const found = await foundConversation(c, c.req.param("id"));
    return found instanceof Response ? found : c.json(pageOf(await itemsIn(c, found), page));
  });
  routes.post("/:id/items", authenticate, async (c) => {
    const body = await jsonBody(c, newItemsSchema);
    if (body instanceof Response) return body;
    const found = await foundConversation(c, c.req.param("id"));
    if (found instanceof Response) return found;
    const added = await addItems(c, found.name, body.items);
    if (added instanceof Response) return added;
    return c.json(pageOf(added, { order: "asc", limit: added.length, after: "" }));
  });
  routes.get("/:id/items/:item", authenticate, async (c) => {
    const found = await foundItem(c, c.req.param("id"), c.req.param("item"));
    return found instanceof Response ? found : c.json(found.item);
  });
  routes.delete("/:id/items/:item", authenticate, async (c) => {
    const found = await foundItem(c, c.req.param("id"), c.req.param("item"));
    if (found instanceof Response) return found;
    const { conversation, stored, index } = found;
    const { name, id, facts } = conversation;
    const rest = withoutItem(stored, index);
    await c.get("mesh").sessions.replace(name, c.get("tenant"), stored.number, rest);
    return c.json(conversationOf(id, facts));
  });
  return routes;
}

async function itemsIn(c: Context<HttpEnv>, { name, chain }: FoundConversation) {
  const { ids } = c.get("mesh");
  const listed = chain.map(async (stored) => {
    const id = await mintResponseId(ids, { session: name, number: stored.number });
    return allItems(id, stored);
  });
  return (await Promise.all(listed)).flat();
}

async function foundItem(c: Context<HttpEnv>, id: string, itemId: string) {
  const conversation = await foundConversation(c, id);
  if (conversation instanceof Response) return conversation;
  const { ids } = c.get("mesh");
  const place = await readItemId(ids, itemId);
  const isHere = place?.session === conversation.name;
  const stored = conversation.chain.find(({ number }) => isHere && number === place.number);
  const item = place && stored && itemAt(stored, place.index);
  if (!item) return refuse(c, "not_found", `Item with id '${itemId}' not found.`);
  return {
    conversation,
    stored,
    index: place.index,
    item: withId(item, await mintResponseId(ids, place), place.index),
  };
}
