/** The same bytes as a stream that crosses to another worker: only byte streams do. */
export function byteStream(source: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(ownBuffer(value));
      controller.close();
      // A reader with a buffer of its own is told so by an empty answer.
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Enqueueing takes the whole buffer away from its other views. */
function ownBuffer(value: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(value);
}
