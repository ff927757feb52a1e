import { FIRST_INPUT_ITEM, itemId, type StoredResponse } from "../../core/stored-response.ts";
import { inputOf } from "./recall.ts";

/** A page of the own input items of a stored response, as OpenAI lists them: newest first unless asked otherwise. */
export function inputItems(id: string, stored: StoredResponse, page: Page): ItemList {
  const all = inputOf(stored).map((item, index) => withId(item, id, index));
  if (page.order === "desc") all.reverse();
  const after = all.findIndex((item) => item["id"] === page.after);
  const from = page.after === "" ? 0 : after < 0 ? all.length : after + 1;
  const data = all.slice(from, from + page.limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.["id"] ?? null,
    last_id: data.at(-1)?.["id"] ?? null,
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
  readonly data: readonly object[];
  readonly first_id: unknown;
  readonly last_id: unknown;
  readonly has_more: boolean;
};

/** Items come without ids, and are found by those that they are listed with. */
function withId(item: object, response: string, index: number): Record<string, unknown> {
  const { id, type } = item as { readonly id?: unknown; readonly type?: unknown };
  if (typeof id === "string") return { ...item };
  const prefix = PREFIXES[String(type)] ?? "msg";
  return { id: itemId(prefix, response, FIRST_INPUT_ITEM + index), ...item };
}

const PREFIXES: Readonly<Record<string, string>> = {
  function_call: "fc",
  function_call_output: "fco",
  reasoning: "rs",
};
