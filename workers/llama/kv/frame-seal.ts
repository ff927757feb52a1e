import {
  createCipheriv,
  createDecipheriv,
  createHash,
  hkdfSync,
  timingSafeEqual,
} from "node:crypto";

/** Binds each frame to its stream, its place in it, its type and its length. */
export interface Seal {
  close(
    start: Uint8Array,
    index: number,
    body: Uint8Array,
  ): { readonly sent: Buffer; readonly tag: Buffer };
  /** The body as it was closed; undefined when anything differs. */
  open(start: Uint8Array, index: number, sent: Uint8Array, tag: Uint8Array): Buffer | undefined;
}

export const tagBytes = 16;

/** Checksums for a stream, or with a key of 32 bytes AES-256-GCM under a key that is this stream's alone. */
export function frameSeal(streamId: Uint8Array, key?: Uint8Array): Seal {
  return key ? sealed(streamId, key) : checked(streamId);
}

function checked(streamId: Uint8Array): Seal {
  const sum = (start: Uint8Array, index: number, body: Uint8Array): Buffer =>
    createHash("sha256")
      .update(streamId)
      .update(place(start, index))
      .update(body)
      .digest()
      .subarray(0, tagBytes);
  return {
    close: (start, index, body) => ({ sent: asBuffer(body), tag: sum(start, index, body) }),
    open: (start, index, sent, tag) =>
      timingSafeEqual(sum(start, index, sent), tag) ? asBuffer(sent) : undefined,
  };
}

function sealed(streamId: Uint8Array, key: Uint8Array): Seal {
  // A stream's key is used for that stream only, so its frames can be counted in the nonce.
  const streamKey = Buffer.from(hkdfSync("sha256", key, streamId, "phaseway kv stream", 32));
  const options = { authTagLength: tagBytes };
  return {
    close(start, index, body) {
      const cipher = createCipheriv("aes-256-gcm", streamKey, nonce(index), options);
      cipher.setAAD(beside(start, index, body));
      const sent = isHeader(index) ? asBuffer(body) : cipher.update(body);
      cipher.final();
      return { sent, tag: cipher.getAuthTag() };
    },
    open(start, index, sent, tag) {
      const decipher = createDecipheriv("aes-256-gcm", streamKey, nonce(index), options);
      decipher.setAuthTag(tag);
      decipher.setAAD(beside(start, index, sent));
      const body = isHeader(index) ? asBuffer(sent) : decipher.update(sent);
      try {
        decipher.final();
        return body;
      } catch {
        return undefined;
      }
    },
  };
}

/** The header stays legible to who keeps the stream without its key, and is under the tag all the same. */
function beside(start: Uint8Array, index: number, body: Uint8Array): Buffer {
  const at = place(start, index);
  return isHeader(index) ? Buffer.concat([at, body]) : at;
}

const isHeader = (index: number): boolean => index === 0;

function place(start: Uint8Array, index: number): Buffer {
  const bytes = Buffer.alloc(start.length + 4);
  bytes.set(start);
  bytes.writeUInt32BE(index, start.length);
  return bytes;
}

function nonce(index: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(index, 8);
  return bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
