import { frameOf, FrameReader, pack, unpack } from "../rpc/packed.ts";
import type { EngineAccess } from "./engine-request.ts";
import {
  type KvEngines,
  kvInstance,
  type KvRead,
  type KvReadAsk,
  type KvWriteAsk,
  type KvWritten,
  readKv,
  writeKv,
} from "./kv-service.ts";
import type { WorkerBinding } from "./leg-exchange.ts";

/** Reads and writes engines' KV cache where they are: in this isolate, or in the worker of their region. */
export function createKvEngines(
  access: EngineAccess,
  workerOf: (region: string) => WorkerBinding | undefined,
): KvEngines {
  const worker = (engine: string) => {
    const pool = access.fleet.pools.get(engine.slice(0, engine.lastIndexOf("/")));
    return pool && workerOf(pool.region);
  };
  return {
    read(ask, signal) {
      const there = worker(ask.engine);
      return there ? readThere(there, ask, signal) : readKv(access, ask, signal);
    },
    write(ask, body, signal) {
      const there = worker(ask.engine);
      return there ? writeThere(there, ask, body, signal) : writeKv(access, ask, body, signal);
    },
    instance(engine, signal) {
      const there = worker(engine);
      return there ? instanceThere(there, engine, signal) : kvInstance(access, engine, signal);
    },
  };
}

/** Paths of a region's worker that are about KV cache. */
const READ = "/kv/read";
const WRITE = "/kv/write";
const INSTANCE = "/kv/instance";

/** Answers what `createKvEngines` of an edge asks of a region's worker; undefined for other paths. */
export function answerKv(access: EngineAccess, request: Request): Promise<Response> | undefined {
  const { pathname } = new URL(request.url);
  if (pathname === READ) return answerRead(access, request);
  if (pathname === INSTANCE) return answerInstance(access, request);
  if (pathname === WRITE && request.body) return answerWrite(access, request, request.body);
  return undefined;
}

async function answerRead(access: EngineAccess, request: Request): Promise<Response> {
  const ask = unpack(new Uint8Array(await request.arrayBuffer())) as KvReadAsk;
  const read = await readKv(access, ask, request.signal);
  if (!read.ok) return new Response(frameOf(read));
  const { body, ...head } = read;
  return new Response(following(frameOf(head), body.getReader()));
}

async function answerWrite(
  access: EngineAccess,
  request: Request,
  body: ReadableStream<Uint8Array>,
): Promise<Response> {
  const { message, rest } = await split(body);
  return new Response(pack(await writeKv(access, message as KvWriteAsk, rest, request.signal)));
}

async function readThere(
  worker: WorkerBinding,
  ask: KvReadAsk,
  signal: AbortSignal,
): Promise<KvRead> {
  try {
    const asked = { method: "POST", body: pack(ask), signal };
    const { body } = await worker.fetch(`https://region${READ}`, asked);
    if (body === null) return { ok: false, why: LOST };
    const { message, rest } = await split(body);
    const head = message as Exclude<KvRead, { ok: true }> | { readonly ok: true };
    return head.ok ? { ...head, body: rest } : head;
  } catch {
    return { ok: false, why: LOST };
  }
}

async function writeThere(
  worker: WorkerBinding,
  ask: KvWriteAsk,
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<KvWritten> {
  try {
    const asked = following(frameOf(ask), body.getReader());
    const sent = { method: "POST", body: asked, duplex: "half", signal } as const;
    const response = await worker.fetch(`https://region${WRITE}`, sent);
    return unpack(new Uint8Array(await response.arrayBuffer())) as KvWritten;
  } catch {
    return { ok: false, why: LOST, isSpoiled: false };
  }
}

async function answerInstance(access: EngineAccess, request: Request): Promise<Response> {
  const { engine } = unpack(new Uint8Array(await request.arrayBuffer())) as InstanceAsk;
  return new Response(pack({ instance: await kvInstance(access, engine, request.signal) }));
}

async function instanceThere(
  worker: WorkerBinding,
  engine: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const ask: InstanceAsk = { v: 1, engine };
    const asked = { method: "POST", body: pack(ask), signal };
    const response = await worker.fetch(`https://region${INSTANCE}`, asked);
    const told = unpack(new Uint8Array(await response.arrayBuffer()));
    return (told as { readonly instance?: string }).instance;
  } catch {
    return undefined;
  }
}

type InstanceAsk = { readonly v: 1; readonly engine: string };

const LOST = "its region's worker did not answer";

/** Bytes, then those of a reader as they are pulled. */
function following(
  first: Uint8Array,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      start(controller) {
        if (first.byteLength > 0) controller.enqueue(first);
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** The message in front of a stream, and the stream without it. */
async function split(body: ReadableStream<Uint8Array>) {
  const reader = body.getReader();
  const frames = new FrameReader(reader);
  const message = await frames.next();
  return { message, rest: following(frames.rest(), reader) };
}
