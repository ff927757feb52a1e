import { FIRST_INPUT_ITEM, itemId, type StoredItems } from "../../core/stored-response.ts";
import { inputOf, outputOf } from "./recall.ts";

/** The own input items of a stored response, with the ids that they are found by. */
export function inputItems(id: string, stored: StoredItems): ListedItem[] {
  return inputOf(stored).flatMap((item, index) =>
    item === null ? [] : [withId(item, id, FIRST_INPUT_ITEM + index)],
  );
}

/** All that a stored response was asked and answered, in order. */
export function allItems(id: string, stored: StoredItems): ListedItem[] {
  const output = outputOf(stored).flatMap((item, index) =>
    item === null ? [] : [withId(item, id, index)],
  );
  return [...inputItems(id, stored), ...output];
}

/** A page of items that are given oldest first, as OpenAI lists them. */
export function pageOf(items: readonly ListedItem[], page: Page): ItemList {
  const all = page.order === "desc" ? items.toReversed() : items;
  const after = all.findIndex(({ id }) => id === page.after);
  const from = page.after === "" ? 0 : after < 0 ? all.length : after + 1;
  const data = all.slice(from, from + page.limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: from + data.length < all.length,
  };
}

export type Page = {
  readonly order: "asc" | "desc";
  readonly limit: number;
  /** Id of the item before the page; empty for the first page. */
  readonly after: string;
};

export type ItemList = {
  readonly object: "list";
  readonly data: readonly ListedItem[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
};

export type ListedItem = { readonly id: string; readonly [member: string]: unknown };

/** Items that came without an id get that of their place. */
export function withId(item: object, response: string, index: number): ListedItem {
  const { id, type } = item as { readonly id?: unknown; readonly type?: unknown };
  if (typeof id === "string") return { ...item, id };
  return { ...item, id: itemId(PREFIXES[String(type)] ?? "msg", response, index) };
}

const PREFIXES: Readonly<Record<string, string>> = {
  function_call: "fc",
  function_call_output: "fco",
  reasoning: "rs",
};
