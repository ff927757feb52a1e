import { open } from "node:fs/promises";

const MAGIC = 0x67677371;
const HEADER_BYTES = 12;

/** The tokens that a file of llama.cpp's sequence state says it holds; rejects when it is no such file. */
export async function tokensInState(path: string): Promise<number[]> {
  const file = await open(path);
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
    const { size } = await file.stat();
    const count = header.readUInt32LE(8);
    const bytes = 4 * count;
    if (bytesRead < HEADER_BYTES || header.readUInt32LE(0) !== MAGIC || size < bytes) {
      throw new Error("not a state that llama.cpp wrote");
    }
    const tokens = Buffer.alloc(bytes);
    await file.read(tokens, 0, bytes, HEADER_BYTES);
    return Array.from({ length: count }, (_, index) => tokens.readInt32LE(4 * index));
  } finally {
    await file.close();
  }
}
