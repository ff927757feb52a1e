/** A body that is written bit by bit; what comes after its end is dropped. */
export class FrameStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(cancelled: () => void) {
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#controller = undefined;
        cancelled();
      },
    });
  }

  write(text: string): void {
    if (text !== "") this.#controller?.enqueue(this.#encoder.encode(text));
  }

  close(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  /** Ends it as a connection that breaks. */
  break(reason: string): void {
    this.#controller?.error(new Error(reason));
    this.#controller = undefined;
  }
}
