/** What configuration has to know of a dialect to judge a pool or a link. */
export type DialectTraits = {
  /** Its engines can pass a KV cache to one another: a pool of them may have one phase alone. */
  readonly handsOff: boolean;
  /** Its engines pull cached prefixes over links that lead to them, those of their own pool included, from a `peer`. */
  readonly capabilities?: { readonly pullsPrefix: string };
  /** Set where engines of its own may encode media for the others. */
  readonly encodes?: object;
  /** Its engines pass KV cache on through a store that they share. */
  readonly sharesStore?: boolean;
  /** What its engines' URLs begin with; `http` or `https` unless told. It is a hosted API's: its pools route themselves. */
  readonly scheme?: string;
};
