/** The part of an R2 bucket that is used. */
export type KvBucket = Pick<R2Bucket, "createMultipartUpload" | "delete" | "get" | "list" | "put">;

/** Writes a state to R2 as it comes, whole or not at all; gives its bytes. Rejects where its stream does. */
export async function putBlob(
  bucket: KvBucket,
  key: string,
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<number> {
  const reader = body.getReader();
  const first = await nextPart(reader);
  if (first.isLast) {
    await bucket.put(key, first.part);
    return first.part.byteLength;
  }
  const upload = await bucket.createMultipartUpload(key);
  try {
    const parts: R2UploadedPart[] = [];
    let total = 0;
    for (let next = first; ; next = await nextPart(reader)) {
      total += next.part.byteLength;
      if (total > maxBytes) throw new RangeError(`the state is over ${maxBytes} bytes`);
      parts.push(await upload.uploadPart(parts.length + 1, next.part));
      if (next.isLast) break;
    }
    await upload.complete(parts);
    return total;
  } catch (error) {
    await upload.abort();
    reader.cancel(error).catch(() => {});
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
  for (let cursor: string | undefined; ;) {
    const page = await bucket.list({ prefix, ...(cursor !== undefined && { cursor }) });
    objects.push(...page.objects);
    if (!page.truncated) break;
    ({ cursor } = page);
  }
  let over = objects.reduce((sum, { size }) => sum + size, bytes) - maxBytes;
  const gone: string[] = [];
  for (const { key, size } of objects.toSorted((a, b) => +a.uploaded - +b.uploaded)) {
    if (over <= 0) break;
    gone.push(key);
    over -= size;
  }
  for (let at = 0; at < gone.length; at += KEYS_A_CALL) {
    await bucket.delete(gone.slice(at, at + KEYS_A_CALL));
  }
}

/** Parts of an upload are all of one size but the last, and at least 5 MB. */
const PART_BYTES = 8 * 1024 * 1024;
const KEYS_A_CALL = 1000;

type Part = { readonly part: Uint8Array<ArrayBuffer>; readonly isLast: boolean };

/** What a reader gave beyond the part before. */
const rests = new WeakMap<ReadableStreamDefaultReader<Uint8Array>, Uint8Array>();

async function nextPart(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Part> {
  const part = new Uint8Array(PART_BYTES);
  let filled = 0;
  let rest = rests.get(reader) ?? new Uint8Array();
  for (;;) {
    const fits = rest.subarray(0, PART_BYTES - filled);
    part.set(fits, filled);
    filled += fits.byteLength;
    rest = rest.subarray(fits.byteLength);
    // A part is given only when it is known whether more comes.
    if (rest.byteLength > 0) break;
    const { done, value } = await reader.read();
    if (done) return { part: part.subarray(0, filled), isLast: true };
    rest = value;
  }
  rests.set(reader, rest);
  return { part, isLast: false };
}
