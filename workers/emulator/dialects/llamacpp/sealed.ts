/** Longest part of a sealed state, bytes. */
const PART_BYTES = 1024 * 1024;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;

/**
 * A state as it leaves an engine: parts of 1 MB at most, each encrypted with its number and whether it is the last, so
 * that none can be changed, moved, left out or added. `key` is 32 bytes in base64.
 */
export function sealed(state: Uint8Array<ArrayBuffer>, key: string): ReadableStream<Uint8Array> {
  const cipher = cipherOf(key);
  let part = 0;
  let at = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        const plain = state.subarray(at, at + PART_BYTES);
        at += PART_BYTES;
        const isLast = at >= state.byteLength;
        const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
        const params = { name: "AES-GCM", iv, additionalData: placeOf(part++, isLast) };
        const secret = new Uint8Array(await crypto.subtle.encrypt(params, await cipher, plain));
        const frame = new Uint8Array(LENGTH_BYTES + NONCE_BYTES + secret.byteLength);
        new DataView(frame.buffer).setUint32(0, secret.byteLength);
        frame.set(iv, LENGTH_BYTES);
        frame.set(secret, LENGTH_BYTES + NONCE_BYTES);
        controller.enqueue(frame);
        if (isLast) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The state in sealed bytes; undefined when they are not whole, not in order, or of another key. */
export async function unsealed(
  bytes: Uint8Array<ArrayBuffer>,
  key: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const cipher = await cipherOf(key);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    if (bytes.byteLength - at < LENGTH_BYTES + NONCE_BYTES + TAG_BYTES) return undefined;
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
    const iv = bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + NONCE_BYTES);
    const from = at + LENGTH_BYTES + NONCE_BYTES;
    at = from + length;
    const params = {
      name: "AES-GCM",
      iv,
      additionalData: placeOf(parts.length, at >= bytes.byteLength),
    };
    const plain = await crypto.subtle
      .decrypt(params, cipher, bytes.subarray(from, at))
      .catch(() => undefined);
    if (plain === undefined) return undefined;
    parts.push(new Uint8Array(plain));
  }
  return parts.length === 0 ? undefined : joined(parts);
}

function cipherOf(key: string): Promise<CryptoKey> {
  const raw = Uint8Array.from(atob(key), (character) => character.charCodeAt(0));
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function placeOf(part: number, isLast: boolean): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${part} ${isLast}`) as Uint8Array<ArrayBuffer>;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
