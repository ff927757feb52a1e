import type { IdMinter } from "./ids.ts";

/** What was asked and answered, as a session keeps it: JSON texts, so that nobody on their way need read them. */
export type StoredItems = {
  /** Its own input items, with what they referred to in place of references. */
  readonly input: string;
  /** The items of its answer. */
  readonly output: string;
};

export type StoredResponse = StoredItems & {
  /** The response without its output; empty for items that no response was asked about. */
  readonly response: string;
};

/** Where a response is kept. */
export type ResponsePlace = {
  /** Name of the `Session` object. */
  readonly session: string;
  /** Of 40 bits, by chance. */
  readonly number: number;
};

/** The id of a response, which says where it is kept. */
export function mintResponseId(ids: IdMinter, { session, number }: ResponsePlace): Promise<string> {
  return ids.mint("resp", session + number.toString(16).padStart(NUMBER_DIGITS, "0"));
}

/** Undefined for an id that was not minted here. */
export async function readResponseId(
  ids: IdMinter,
  id: string,
): Promise<ResponsePlace | undefined> {
  const own = await ids.read(id);
  if (own?.kind !== "resp") return undefined;
  return {
    session: own.payload.slice(0, -NUMBER_DIGITS),
    number: Number.parseInt(own.payload.slice(-NUMBER_DIGITS), 16),
  };
}

/** Names an item by its response and its place there, so that it is found without an index. */
export function itemId(prefix: string, response: string, index: number): string {
  return `${prefix}_${response.slice("resp_".length)}${index.toString(16).padStart(INDEX_DIGITS, "0")}`;
}

/** Where the item of such an id is; undefined for one of no stored response. */
export async function readItemId(
  ids: IdMinter,
  id: string,
): Promise<(ResponsePlace & { readonly index: number }) | undefined> {
  const [, payload = "", index = ""] = ITEM.exec(id) ?? [];
  const place = await readResponseId(ids, `resp_${payload}`);
  return place && { ...place, index: Number.parseInt(index, 16) };
}

/** Places from here on are those of input items. */
export const FIRST_INPUT_ITEM = 0x8000;

/** A number for a new response. */
export function newResponseNumber(): number {
  const bytes = crypto.getRandomValues(new Uint8Array(NUMBER_DIGITS / 2));
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

const NUMBER_DIGITS = 10;
const INDEX_DIGITS = 4;
const ITEM = new RegExp(`^[a-z]+_([0-9a-f]+)([0-9a-f]{${INDEX_DIGITS}})$`);
