import { type KvTier, kvTiers } from "../../src/core/kv-export/tiers.ts";
import { byteStream } from "../../src/rpc/byte-stream.ts";
import { callObject } from "../../src/rpc/call-object.ts";
import { type KvBucket, makeRoom, putBlob } from "../../src/rpc/kv-blobs.ts";
import { createObjects, type ObjectPlace, type ObjectsEnv } from "../../src/rpc/objects.ts";
import type { KeepKvAsk } from "../../src/rpc/session-messages.ts";
import type { KeptKv, KvTiers } from "../../src/turn/kv/deps.ts";

export type KvTiersEnv = ObjectsEnv & {
  /** Where KV cache is kept that a session's own rows have no room for; without it, only there. */
  readonly KV_BLOBS?: KvBucket;
  /** Bytes that one tenant may have there; 4 GB when absent. */
  readonly KV_TENANT_BYTES?: string;
  /** Seconds without a turn after which a session is forgotten; a day when absent. */
  readonly SESSION_TTL_S?: string;
};

/** KV cache in the rows of sessions, and in R2 where that is bound. */
export function kvTiersOf(env: KvTiersEnv, place: ObjectPlace): KvTiers {
  const { KV_BLOBS: bucket } = env;
  const objects = createObjects(env, place);
  const offered: readonly KvTier[] = bucket === undefined ? ["edge"] : ["edge", "object"];
  /** Told once, as a stream is read once. */
  const tell = async (session: string, ask: KeepKvAsk, body?: ReadableStream<Uint8Array>) => {
    const told = await callObject(
      () => objects.session(session),
      (stub) => (body === undefined ? stub.keepKv(ask) : stub.keepKv(ask, body)),
      { timeoutMs: KEEP_MS },
    );
    if (told.kind === "lost") return "its session did not answer";
    return told.value.ok ? undefined : WHY[told.value.code];
  };
  async function inRows(session: string, ask: KeepKvAsk, body: ReadableStream<Uint8Array>) {
    const counted = counting(body);
    const why = await tell(session, ask, byteStream(counted.stream));
    return why === undefined ? kept(counted.bytes()) : fails(why);
  }
  async function inR2(
    into: KvBucket,
    session: string,
    ask: KeepKvAsk,
    key: string,
    body: ReadableStream<Uint8Array>,
  ): Promise<KeptKv> {
    const most = Number(env.KV_TENANT_BYTES) > 0 ? Number(env.KV_TENANT_BYTES) : TENANT_BYTES;
    if (ask.kv.bytes * SEALED > most) return fails("it is over what its tenant may have");
    // Before it is written: what a tenant has is never more, but for what comes at the same moment.
    await makeRoom(into, tenantPrefix(key), ask.kv.bytes * SEALED, most);
    const bytes = await putBlob(into, key, body, kvTiers.object.maxBytes);
    const why = await tell(session, { ...ask, kv: { ...ask.kv, bytes } });
    if (why === undefined) return kept(bytes);
    await into.delete(key);
    return fails(why);
  }
  return {
    offered,
    keptMs: (Number(env.SESSION_TTL_S) > 0 ? Number(env.SESSION_TTL_S) : 86_400) * 1000,
    async keep(session, ask, body) {
      const { key } = ask.kv;
      try {
        if (key === undefined) return await inRows(session, ask, body);
        if (bucket === undefined) return fails("there is no R2");
        return await inR2(bucket, session, ask, key, body);
      } catch {
        return fails("the transfer broke off");
      }
    },
    async open(session, tenant, { id, key }) {
      if (key !== undefined) return (await bucket?.get(key).catch(() => null))?.body;
      const read = await callObject(
        () => objects.session(session),
        (stub) => stub.readKv(tenant, id),
      );
      return read.kind === "answered" && read.value.ok ? read.value.body : undefined;
    },
  };
}

const KEEP_MS = 20_000;
const TENANT_BYTES = 4e9;
/** Encrypting and framing adds a little to each megabyte. */
const SEALED = 1.001;

const WHY = {
  not_found: "its session was erased",
  too_large: "it is over what a session may keep",
  cut: "the transfer broke off",
  stale: "something newer is kept",
} as const;

/** Up to the second slash: all of a tenant's. */
function tenantPrefix(key: string): string {
  return key.slice(0, key.indexOf("/", key.indexOf("/") + 1) + 1);
}

function kept(bytes: number): KeptKv {
  return { ok: true, bytes };
}

function fails(why: string): KeptKv {
  return { ok: false, why };
}

function counting(source: ReadableStream<Uint8Array>) {
  let bytes = 0;
  const count = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      controller.enqueue(chunk);
    },
  });
  return { stream: source.pipeThrough(count), bytes: () => bytes };
}
