/** Reads a stream by the byte, holding no more than was asked for and the piece that came last. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();
  /** Bytes that came so far. */
  count = 0;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#pieces = stream[Symbol.asyncIterator]();
  }

  /** The next `count` bytes; undefined when the stream ends before. */
  async exactly(count: number): Promise<Buffer | undefined> {
    const taken: Uint8Array[] = [];
    for (let missing = count; missing > 0;) {
      if (this.#rest.length === 0 && !(await this.#next())) return undefined;
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      taken.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(taken, count);
  }

  /** Whether no further byte comes. */
  async ended(): Promise<boolean> {
    while (this.#rest.length === 0) if (!(await this.#next())) return true;
    return false;
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done) return false;
    this.#rest = value;
    this.count += value.length;
    return true;
  }
}
