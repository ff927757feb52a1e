/** The part of an R2 bucket that is used. */
export type KvBucket = Pick<R2Bucket, "createMultipartUpload" | "delete" | "get" | "list" | "put">;

/** Writes a state to R2 as it comes, whole or not at all; gives its bytes. Rejects where its stream does. */
export async function putBlob(
  bucket: KvBucket,
  key: string,
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<number> {
  const parts = partsOf(body, maxBytes);
  const first = await parts.next();
  if (first.done) throw new RangeError("the state is empty");
  if (first.value.isLast) {
    await bucket.put(key, first.value.bytes);
    return first.value.bytes.byteLength;
  }
  const upload = await bucket.createMultipartUpload(key);
  try {
    const uploaded = [await upload.uploadPart(1, first.value.bytes)];
    let total = first.value.bytes.byteLength;
    for await (const { bytes } of parts) {
      uploaded.push(await upload.uploadPart(uploaded.length + 1, bytes));
      total += bytes.byteLength;
    }
    await upload.complete(uploaded);
    return total;
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

/** Deletes the oldest of what is below `prefix` until it has room for `bytes` more within `maxBytes`. */
export async function makeRoom(
  bucket: KvBucket,
  prefix: string,
  bytes: number,
  maxBytes: number,
): Promise<void> {
  const objects: R2Object[] = [];
  for (let page = await bucket.list({ prefix }); ;) {
    objects.push(...page.objects);
    if (!page.truncated) break;
    page = await bucket.list({ prefix, cursor: page.cursor });
  }
  let over = objects.reduce((sum, { size }) => sum + size, bytes) - maxBytes;
  const gone: string[] = [];
  for (const { key, size } of objects.toSorted((one, other) => +one.uploaded - +other.uploaded)) {
    if (over <= 0) break;
    gone.push(key);
    over -= size;
  }
  for (let at = 0; at < gone.length; at += KEYS_A_CALL) {
    await bucket.delete(gone.slice(at, at + KEYS_A_CALL));
  }
}

/** R2 wants parts of one size, but for the last, and of 5 MB at least. */
const PART_BYTES = 8 * 1024 * 1024;
const KEYS_A_CALL = 1000;

type Part = { readonly bytes: Uint8Array<ArrayBuffer>; readonly isLast: boolean };

/** A stream in parts of one size, of which the last may be shorter; throws when it is longer than `maxBytes`. */
async function* partsOf(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Part, void> {
  let bytes = new Uint8Array(PART_BYTES);
  let [filled, total] = [0, 0];
  for await (const value of body) {
    total += value.byteLength;
    if (total > maxBytes) throw new RangeError(`the state is over ${maxBytes} bytes`);
    for (let rest = value; rest.byteLength > 0;) {
      // Full, and more comes: it is not the last.
      if (filled === PART_BYTES) {
        yield { bytes, isLast: false };
        bytes = new Uint8Array(PART_BYTES);
        filled = 0;
      }
      const fits = rest.subarray(0, PART_BYTES - filled);
      bytes.set(fits, filled);
      filled += fits.byteLength;
      rest = rest.subarray(fits.byteLength);
    }
  }
  if (filled > 0) yield { bytes: bytes.subarray(0, filled), isLast: true };
}
