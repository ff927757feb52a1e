import { concatenate } from "../core/json-members.ts";

/**
 * The whole body, or why there is none: it is over `limit` bytes, or its sender left before its end. What is too large
 * is read on for a while and thrown away: a client that is cut off while it sends sees a broken connection in place of
 * the answer.
 */
export async function readBody(
  request: Request,
  limit: number,
): Promise<Uint8Array | "too-large" | "cut-off"> {
  try {
    return await readUpTo(request, limit);
  } catch {
    return "cut-off";
  }
}

async function readUpTo(request: Request, limit: number): Promise<Uint8Array | "too-large"> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > 0 && declared <= limit) return new Uint8Array(await request.arrayBuffer());
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let chunks: Uint8Array[] = [];
  let size = 0;
  let patience = declared > limit * FAR_OVER ? 0 : limit * FAR_OVER;
  while (patience > 0) {
    const { done, value } = await reader.read();
    if (done) return size > limit ? "too-large" : concatenate(chunks);
    size += value.byteLength;
    patience -= value.byteLength;
    if (size > limit) chunks = [];
    else chunks.push(value);
  }
  await reader.cancel();
  return "too-large";
}

/** Times the limit that a body may be without being cut off. */
const FAR_OVER = 3;
