import {
  FIRST_INPUT_ITEM,
  type StoredItems,
  type StoredResponse,
} from "../../core/stored-response.ts";
import type { Recalled } from "../app-api.ts";
import { type Item, items } from "./items.ts";
import type { ResponseObject } from "./response.ts";

/** A response and its own input items as they are stored. */
export function storedResponse(own: readonly Item[], response: ResponseObject): StoredResponse {
  const { output, ...rest } = response;
  const texts = { input: JSON.stringify(own), output: JSON.stringify(output) };
  return { ...texts, response: JSON.stringify(rest) };
}

/** A stored response as JSON; undefined for items that no response was asked about. */
export function wholeResponse({ output, response }: StoredResponse): string | undefined {
  return response === "" ? undefined : `${response.slice(0, -1)},"output":${output}}`;
}

/** All that a stored response was asked and answered, as the items of a later request. */
export function itemsOf(stored: StoredItems): Item[] {
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
export function inputOf({ input }: StoredItems): (object | null)[] {
  return JSON.parse(input) as (object | null)[];
}

export function outputOf({ output }: StoredItems): (object | null)[] {
  return JSON.parse(output) as (object | null)[];
}

export function present(items: readonly (object | null)[]): object[] {
  return items.filter((item) => item !== null);
}

/** What is stored without the item of that place; the places of others stay. */
export function withoutItem(stored: StoredItems, index: number): StoredItems {
  const without = (items: readonly (object | null)[], at: number) =>
    JSON.stringify(items.map((item, place) => (place === at ? null : item)));
  const { input, output } = stored;
  return index < FIRST_INPUT_ITEM
    ? { input, output: without(outputOf(stored), index) }
    : { input: without(inputOf(stored), index - FIRST_INPUT_ITEM), output };
}

/** The item at the place that its id names. */
export function itemAt(stored: StoredItems, index: number): object | undefined {
  const item =
    index < FIRST_INPUT_ITEM ? outputOf(stored)[index] : inputOf(stored)[index - FIRST_INPUT_ITEM];
  return item ?? undefined;
}
