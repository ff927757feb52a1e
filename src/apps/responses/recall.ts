import { FIRST_INPUT_ITEM, type StoredResponse } from "../../core/stored-response.ts";
import type { Recalled } from "../app-api.ts";
import { type Item, items } from "./items.ts";

/** All that a stored response was asked and answered, as the items of a later request. */
export function itemsOf(stored: StoredResponse): Item[] {
  return items.parse([...inputOf(stored), ...outputOf(stored)]);
}

/** Items with what their references name in place of them; the id of the first that is not there, if one is not. */
export function resolved(
  own: readonly Item[],
  { items: found }: Recalled,
): { readonly items: Item[] } | { readonly missing: string } {
  const resolved: Item[] = [];
  for (const item of own) {
    if (item.type !== "item_reference") {
      resolved.push(item);
      continue;
    }
    const place = found.get(item.id);
    const named = place && itemAt(place.stored, place.index);
    if (named === undefined) return { missing: item.id };
    resolved.push(...items.parse([named]));
  }
  return { items: resolved };
}

/** The own input items of a stored response, as they came. */
export function inputOf({ input }: StoredResponse): object[] {
  return JSON.parse(input) as object[];
}

function outputOf({ response }: StoredResponse): object[] {
  return (JSON.parse(response) as { readonly output: object[] }).output;
}

function itemAt(stored: StoredResponse, index: number): object | undefined {
  return index < FIRST_INPUT_ITEM
    ? outputOf(stored)[index]
    : inputOf(stored)[index - FIRST_INPUT_ITEM];
}
