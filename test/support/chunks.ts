/** Cuts bytes at the given places, wherever in a character or line end these are. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (one, other) => one - other,
  );
  return ends.map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
}

/** A stream that gives one chunk per read, then closes or breaks. */
export function streamOfChunks(
  chunks: Iterable<Uint8Array>,
  end: "close" | "break" = "close",
): ReadableStream<Uint8Array> {
  const left = chunks[Symbol.iterator]();
  return new ReadableStream(
    {
      pull(controller) {
        const { done, value } = left.next();
        if (!done) controller.enqueue(value);
        else if (end === "close") controller.close();
        else controller.error(new Error("connection reset"));
      },
    },
    { highWaterMark: 0 },
  );
}
