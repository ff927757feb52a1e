import { z } from "zod";
import { items } from "./items.ts";

const metadata = z.record(z.string(), z.string()).nullish();

/** Items that a conversation is given; what they are must be said. */
const given = items.refine((all) => all.every(({ type }) => type !== "item_reference"), {
  error: "an item must be given itself, not by a reference",
});

/** A body of `POST /v1/conversations`. */
export const conversationSchema = z.looseObject({ items: given.nullish(), metadata });

/** A body of `POST /v1/conversations/{id}`. */
export const conversationChangeSchema = z.looseObject({ metadata });

/** A body of `POST /v1/conversations/{id}/items`. */
export const newItemsSchema = z.looseObject({ items: given });
