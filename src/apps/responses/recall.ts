import { FIRST_INPUT_ITEM, type StoredResponse } from "../../core/stored-response.ts";
import type { Recalled } from "../app-api.ts";
import { type Item, items } from "./items.ts";

/** All that a stored response was asked and answered, as the items of a later request. */
export function itemsOf(stored: StoredResponse): Item[] {
  return items.parse(present([...inputOf(stored), ...outputOf(stored)]));
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

/** The own input items of a stored response, as they came; null where one was taken out. */
export function inputOf({ input }: StoredResponse): (object | null)[] {
  return JSON.parse(input) as (object | null)[];
}

export function outputOf({ response }: StoredResponse): (object | null)[] {
  return (JSON.parse(response) as { readonly output: (object | null)[] }).output;
}

export function present(items: readonly (object | null)[]): object[] {
  return items.filter((item) => item !== null);
}

/** A stored response without the item of that place; the places of others stay. */
export function withoutItem(stored: StoredResponse, index: number): StoredResponse {
  const without = (items: readonly (object | null)[], at: number) =>
    items.map((item, place) => (place === at ? null : item));
  if (index >= FIRST_INPUT_ITEM) {
    const input = without(inputOf(stored), index - FIRST_INPUT_ITEM);
    return { ...stored, input: JSON.stringify(input) };
  }
  const response = JSON.parse(stored.response) as object;
  const output = without(outputOf(stored), index);
  return { ...stored, response: JSON.stringify({ ...response, output }) };
}

/** The item at the place that its id names. */
export function itemAt(stored: StoredResponse, index: number): object | undefined {
  const item =
    index < FIRST_INPUT_ITEM ? outputOf(stored)[index] : inputOf(stored)[index - FIRST_INPUT_ITEM];
  return item ?? undefined;
}
