type Asked = { readonly tokens: readonly unknown[] };

/**
 * Chooses what is evaluated together so that a token's state never depends on who else is asking.
 * llama.cpp multiplies one column by another routine than two or more, with other rounding; and it cuts a batch of
 * unequal sequences into parts of equal length, the last of which may be one column. So sequences that decode (two
 * tokens each, see `Slot`) share a batch, and a sequence that reads its prompt has a batch of its own, in turn.
 */
export function steadyBatches(): <Item extends Asked>(options: {
  readonly items: readonly Item[];
  readonly size: number;
}) => { item: Item; processAmount: number }[] {
  let readLast = false;
  return ({ items, size }) => {
    const decoding = items.filter(({ tokens }) => tokens.length === 2);
    const reading = items.find(({ tokens }) => tokens.length !== 2);
    readLast = reading !== undefined && (decoding.length === 0 || !readLast);
    if (!readLast || reading === undefined) {
      return decoding.slice(0, Math.floor(size / 2)).map((item) => ({ item, processAmount: 2 }));
    }
    return [{ item: reading, processAmount: withoutOneLeft(reading.tokens.length, size) }];
  };
}

/** At most `most` of `tokens`, such that what is left is not one token. */
export function withoutOneLeft(tokens: number, most: number): number {
  return tokens - most === 1 ? most - 1 : Math.min(tokens, most);
}
