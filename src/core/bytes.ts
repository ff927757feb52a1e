/** Numbers and texts one after another, little-endian. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  uint32(value: number): void {
    this.#grow(4);
    this.#view.setUint32(this.#length - 4, value, true);
  }

  float64(value: number): void {
    this.#grow(8);
    this.#view.setFloat64(this.#length - 8, value, true);
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.uint32(bytes.length);
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length - bytes.length);
  }

  /** Everything written, cut into buffers of at most `partBytes`. */
  parts(partBytes: number): ArrayBuffer[] {
    const count = Math.ceil(this.#length / partBytes);
    return Array.from({ length: count }, (_, n) =>
      this.#bytes.buffer.slice(n * partBytes, Math.min(this.#length, (n + 1) * partBytes)),
    );
  }

  #grow(by: number): void {
    this.#length += by;
    if (this.#length <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * this.#length);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads what a `ByteWriter` wrote; beyond its end, or of no length that can be, it throws a `RangeError`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(parts: readonly ArrayBuffer[]) {
    this.#bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
    let at = 0;
    for (const part of parts) {
      this.#bytes.set(new Uint8Array(part), at);
      at += part.byteLength;
    }
    this.#view = new DataView(this.#bytes.buffer);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  uint32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  float64(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8, true);
  }

  text(): string {
    const length = this.uint32();
    if (this.#at + length > this.#bytes.length) throw new RangeError("a text is cut off");
    this.#at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.#at - length, this.#at));
  }
}
