/** Characters that one token cannot end are at most this many tokens long. */
const MOST_PENDING_TOKENS = 8;

/** Turns tokens into text that can be sent: never half a character, never the beginning of a stop string. */
export class TextStream {
  /** Whether a stop string was met; nothing is to be pushed after it. */
  stopped = false;
  readonly #detokenise: (tokens: readonly number[], before: readonly number[]) => string;
  readonly #stops: readonly string[];
  #before: readonly number[];
  #pending: number[] = [];
  #held = "";

  constructor(
    detokenise: (tokens: readonly number[], before: readonly number[]) => string,
    stops: readonly string[],
    before: readonly number[],
  ) {
    this.#detokenise = detokenise;
    this.#stops = stops;
    this.#before = before.slice(-MOST_PENDING_TOKENS);
  }

  /** The text that `token` makes certain, often none. */
  push(token: number): string {
    this.#pending.push(token);
    const text = this.#detokenise(this.#pending, this.#before);
    if (text.endsWith("\uFFFD") && this.#pending.length < MOST_PENDING_TOKENS) return "";
    this.#settle(text);
    return this.#certain();
  }

  /** What was held back, once no more tokens come. */
  end(): string {
    if (this.stopped) return "";
    if (this.#pending.length > 0) this.#settle(this.#detokenise(this.#pending, this.#before));
    const text = this.#certain();
    const rest = this.#held;
    this.#held = "";
    return text + rest;
  }

  #settle(text: string): void {
    this.#held += text;
    this.#before = [...this.#before, ...this.#pending].slice(-MOST_PENDING_TOKENS);
    this.#pending = [];
  }

  #certain(): string {
    const held = this.#held;
    const at = this.#stops
      .map((stop) => held.indexOf(stop))
      .filter((index) => index >= 0)
      .toSorted((a, b) => a - b)[0];
    this.stopped = at !== undefined;
    const end = at ?? held.length - this.#begun(held);
    this.#held = this.stopped ? "" : held.slice(end);
    return held.slice(0, end);
  }

  /** How many characters at the end of `text` may be the beginning of a stop string. */
  #begun(text: string): number {
    const longest = Math.max(0, ...this.#stops.map(({ length }) => length - 1));
    for (let length = Math.min(longest, text.length); length > 0; length -= 1) {
      const tail = text.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(tail))) return length;
    }
    return 0;
  }
}
