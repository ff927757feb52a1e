import type { Context } from "hono";
import { inputItems, type ListedItem } from "../apps/responses/input-items.ts";
import type { Item } from "../apps/responses/items.ts";
import { mintResponseId, newResponseNumber } from "../core/stored-response.ts";
import type { ChainedResponse, ConversationFacts } from "../rpc/session-messages.ts";
import type { HttpEnv } from "./env.ts";
import { noConversation, ownConversation } from "./recall.ts";
import { refuse } from "./refuse.ts";

/** A conversation of the caller's own with all that was said in it; or the refusal. */
export async function foundConversation(
  c: Context<HttpEnv>,
  id: string,
): Promise<FoundConversation | Response> {
  const name = await ownConversation(c, id);
  if (name === undefined) return noConversation(c, id);
  const ask = { v: 1, tenant: c.get("tenant"), numbers: [], conversation: true } as const;
  const answer = await c.get("mesh").sessions.recall(name, ask);
  if (answer === "lost") return unreachable(c);
  if (answer?.conversation === undefined) return noConversation(c, id);
  return { id, name, facts: answer.conversation, chain: answer.chain };
}

export type FoundConversation = {
  readonly id: string;
  /** Of its session's object. */
  readonly name: string;
  readonly facts: ConversationFacts;
  readonly chain: readonly ChainedResponse[];
};

/** Adds items that no response was asked about, and gives them with their ids. */
export async function addItems(
  c: Context<HttpEnv>,
  name: string,
  items: readonly Item[],
): Promise<ListedItem[] | Response> {
  const { ids, sessions } = c.get("mesh");
  const number = newResponseNumber();
  const stored = { input: JSON.stringify(items), output: "[]", response: "" };
  const place = { v: 1, tenant: c.get("tenant"), model: "", number, conversation: true } as const;
  const isStored = await sessions.store(name, { ...place, stored, now: Date.now() });
  if (!isStored) return unreachable(c);
  return inputItems(await mintResponseId(ids, { session: name, number }), stored);
}

/** The object that keeps the conversation does not answer. */
export function unreachable(c: Context<HttpEnv>): Response {
  return refuse(c, "engine_unavailable", "The conversation cannot be reached right now.");
}
