import { Hono } from "hono";
import { conversationChangeSchema, conversationSchema } from "../apps/responses/conversation.ts";
import type { ConversationFacts } from "../rpc/session-messages.ts";
import { keyedName } from "../turn/session-name.ts";
import { authenticate } from "./auth.ts";
import { addItems, foundConversation, unreachable } from "./conversation.ts";
import type { HttpEnv } from "./env.ts";
import { jsonBody } from "./parsed-body.ts";
import { noConversation, ownConversation } from "./recall.ts";

/** `/v1/conversations`: each is a session made before its first turn, whose responses are kept in order. */
export function conversationRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.post("/", authenticate, async (c) => {
    const body = await jsonBody(c, conversationSchema);
    if (body instanceof Response) return body;
    const tenant = c.get("tenant");
    const { ids, sessions } = c.get("mesh");
    const name = await keyedName(tenant, `conversation ${c.get("requestId")}`);
    const facts = { createdAt: Date.now(), metadata: body.metadata ?? {} };
    if (!(await sessions.converse(name, { v: 1, tenant, facts }))) return unreachable(c);
    const added = body.items?.length ? await addItems(c, name, body.items) : [];
    if (added instanceof Response) return added;
    return c.json(conversationOf(await ids.mint("conv", name), facts));
  });
  routes.get("/:id", authenticate, async (c) => {
    const found = await foundConversation(c, c.req.param("id"));
    return found instanceof Response ? found : c.json(conversationOf(found.id, found.facts));
  });
  routes.post("/:id", authenticate, async (c) => {
    const body = await jsonBody(c, conversationChangeSchema);
    if (body instanceof Response) return body;
    const found = await foundConversation(c, c.req.param("id"));
    if (found instanceof Response) return found;
    const facts = { ...found.facts, metadata: body.metadata ?? {} };
    const ask = { v: 1, tenant: c.get("tenant"), facts } as const;
    const isNoted = await c.get("mesh").sessions.converse(found.name, ask);
    return isNoted ? c.json(conversationOf(found.id, facts)) : unreachable(c);
  });
  routes.delete("/:id", authenticate, async (c) => {
    const id = c.req.param("id");
    const name = await ownConversation(c, id);
    const ask = { v: 1, tenant: c.get("tenant"), facts: "end" } as const;
    const isGone = name !== undefined && (await c.get("mesh").sessions.converse(name, ask));
    if (!isGone) return noConversation(c, id);
    return c.json({ id, object: "conversation.deleted", deleted: true });
  });
  return routes;
}

/** A conversation as OpenAI's API has it. */
export function conversationOf(id: string, { createdAt, metadata }: ConversationFacts): object {
  return { id, object: "conversation", created_at: Math.floor(createdAt / 1000), metadata };
}
