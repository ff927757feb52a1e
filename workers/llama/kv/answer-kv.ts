import { z } from "zod";
import { AskError } from "../ask-error.ts";
import type { Handle, States } from "../engine.ts";
import { chunkLimitBytes } from "./frames.ts";
import type { FileSpace } from "./file-space.ts";
import type { Kept, Leases } from "./leases.ts";
import { handlePattern } from "./read-ask.ts";
import { fileOfStream, type Refusal, RefusedState, streamOfFile } from "./state-streams.ts";

/** What the routes under `/kv` need of the engine. */
export interface KvDesk {
  readonly states: States;
  readonly space: FileSpace;
  readonly leases: Leases;
  readonly limitBytes: number;
  /** What a kept state is given out as. */
  give(kept: Kept, salt: string): Handle;
}

/** Answers `/kv`, `/kv/find` and `/kv/{handle}`, throwing an `AskError`; undefined for any other path. */
export function answerKv(desk: KvDesk, request: Request): Promise<Response> | undefined {
  const { pathname } = new URL(request.url);
  if (pathname !== "/kv" && !pathname.startsWith("/kv/")) return undefined;
  const handle = pathname.slice("/kv/".length);
  if (request.method === "POST" && pathname === "/kv") return takeIn(desk, request);
  if (request.method === "POST" && handle === "find") return findPrefix(desk, request);
  if (request.method === "GET" && handlePattern.test(handle)) return send(desk, request, handle);
  if (request.method === "DELETE" && handlePattern.test(handle)) return end(desk, request, handle);
  return Promise.reject(unknownState());
}

async function send(desk: KvDesk, request: Request, handle: string): Promise<Response> {
  const key = keyOf(request);
  const kept = desk.leases.find(handle, saltOf(request));
  if (!kept) throw unknownState();
  kept.file.hold();
  return streamed(desk, kept, { key, headers: {} });
}

async function end(desk: KvDesk, request: Request, handle: string): Promise<Response> {
  if (!(await desk.leases.end(handle, saltOf(request)))) throw unknownState();
  return new Response(null, { status: 204 });
}

async function takeIn(desk: KvDesk, request: Request): Promise<Response> {
  const { states, space, limitBytes } = desk;
  const [key, salt] = [keyOf(request), saltOf(request)];
  await desk.leases.sweep();
  try {
    const options = { model: states.fingerprint, limitBytes, key };
    const { file, header } = await fileOfStream(bodyOf(request), space, options);
    return Response.json(desk.give({ file, tokens: header.tokens }, salt));
  } catch (error) {
    if (!(error instanceof RefusedState)) throw error;
    const { status, code } = refusals[error.why];
    throw new AskError(status, code, `The state was not taken in: ${error.message}`);
  }
}

const refusals = {
  model: { status: 409, code: "other_model" },
  corrupt: { status: 422, code: "corrupt_state" },
  large: { status: 413, code: "state_too_large" },
  room: { status: 507, code: "no_room" },
} as const satisfies Record<Refusal, { status: number; code: string }>;

const findBody = z.strictObject({
  tokens: z.array(z.int().nonnegative()).min(1),
  /** A prefix of so many tokens or fewer is not sent. */
  longer_than: z.int().nonnegative().exactOptional(),
});

async function findPrefix(desk: KvDesk, request: Request): Promise<Response> {
  const { states, space } = desk;
  const [key, salt] = [keyOf(request), saltOf(request)];
  const read = findBody.safeParse(await jsonOf(request));
  if (!read.success) {
    throw new AskError(400, "invalid_tokens", "`tokens` is a list of token ids", "tokens");
  }
  const { tokens, longer_than: longerThan = 0 } = read.data;
  if (states.cachedTokens(tokens, salt) <= longerThan) throw unknownState();
  await desk.leases.sweep();
  const file = space.file(0);
  if (!file) throw noRoom();
  try {
    const saved = await states.saveLongest(tokens, salt, file.path);
    const common = saved ? commonOf(tokens, saved.tokens) : 0;
    if (!saved || common <= longerThan) throw unknownState();
    if (!file.resize(saved.bytes)) throw noRoom();
    const headers = { "x-kv-tokens": String(common) };
    return await streamed(desk, { file, tokens: saved.tokens.length }, { key, headers });
  } catch (error) {
    await file.release();
    throw error;
  }
}

/** Lets go of the file when the stream has ended in any way, or could not begin. */
async function streamed(
  { states }: KvDesk,
  { file, tokens }: Kept,
  { key, headers }: { key: Uint8Array | undefined; headers: Record<string, string> },
): Promise<Response> {
  const header = { version: 1, model: states.fingerprint, tokens, bytes: file.bytes } as const;
  const done = (): Promise<void> => file.release();
  return new Response(await streamOfFile(file.path, header, { key, done }), {
    headers: { "content-type": "application/octet-stream", ...headers },
  });
}

export function noRoom(): AskError {
  return new AskError(507, "no_room", "There is no room for another state");
}

function unknownState(): AskError {
  return new AskError(404, "unknown_state", "There is no such state");
}

function commonOf(one: readonly number[], other: readonly number[]): number {
  const differs = one.findIndex((token, index) => token !== other[index]);
  return differs === -1 ? one.length : differs;
}

function saltOf(request: Request): string {
  try {
    return decodeURIComponent(request.headers.get("x-kv-salt") ?? "");
  } catch {
    throw new AskError(400, "invalid_salt", "`x-kv-salt` is not percent-encoded", "x-kv-salt");
  }
}

function keyOf(request: Request): Buffer | undefined {
  const text = request.headers.get("x-kv-key");
  if (text === null) return undefined;
  const key = Buffer.from(text, "base64");
  if (key.length === 32) return key;
  throw new AskError(400, "invalid_key", "`x-kv-key` is not 32 bytes in base64", "x-kv-key");
}

async function* bodyOf(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body) yield* request.body;
}

async function jsonOf(request: Request): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of bodyOf(request)) {
    bytes += piece.length;
    if (bytes > 16 * chunkLimitBytes) {
      throw new AskError(413, "body_too_large", "The body is too large");
    }
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch {
    throw new AskError(400, "invalid_json", "The body is not JSON");
  }
}
