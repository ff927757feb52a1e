import type { IdMinter } from "../../src/core/ids.ts";
import type { Receipt } from "../../src/core/receipt.ts";
import { callObject, type Outcome } from "../../src/rpc/call-object.ts";
import {
  createObjects,
  receiptsDay,
  receiptsName,
  type ObjectPlace,
  type Objects,
  type ObjectsEnv,
} from "../../src/rpc/objects.ts";
import type { ReceiptBuffer } from "../../src/rpc/receipt-buffer.ts";
import type { Mesh } from "../../src/http/env.ts";
import type { OnceReply } from "../../src/rpc/once-messages.ts";
import type { TurnDeps } from "../../src/turn/deps.ts";
import { type ReadDay, sessionPage } from "./session-pages.ts";
import { tenantTag } from "../../src/turn/session-name.ts";

/** Objects of one tenant and day that its receipts are spread over. */
const SHARDS = 4;
/** A receipt is written at most a second after its turn, or after probes of its engines: one of late is waited for, ms. */
const LATE_MS = 5000;
/** Hardly a turn takes longer than this: the id says only when it was begun, ms. */
const LONGEST_TURN_MS = 600_000;
const RETRY_MS = 200;
/** A claim is held for four seconds, ms. */
const CLAIM_MS = 8000;

/** Sessions by the name of their object. A lost object answers nothing, and the turn goes on without it. */
export function sessionStore(
  env: ObjectsEnv,
  place: ObjectPlace,
  receiptDays: number,
): TurnDeps["sessions"] & Mesh["sessions"] {
  const objects = createObjects(env, place);
  return {
    async open(name, ask) {
      return found(
        await callObject(
          () => objects.session(name),
          (stub) => stub.open(ask),
        ),
      );
    },
    async settle(name, ask) {
      return found(
        await callObject(
          () => objects.session(name),
          (stub) => stub.settle(ask),
        ),
      );
    },
    async view(name, tenant, id) {
      return found(
        await callObject(
          () => objects.session(name),
          (stub) => stub.view(tenant, id),
        ),
      )?.view;
    },
    async fork(name, tenant, fork, branch) {
      const original = found(
        await callObject(
          () => objects.session(name),
          (stub) => stub.fork(tenant, branch),
        ),
      );
      if (original === undefined) return false;
      const begun = await callObject(
        () => objects.session(fork),
        (stub) => stub.begin(original.state),
      );
      return found(begun) !== undefined;
    },
    async erase(name, tenant) {
      await eraseAnswers(objects, name, tenant);
      const gone = await callObject(
        () => objects.session(name),
        (stub) => stub.erase(tenant),
      );
      return found(gone) !== undefined;
    },
    async store(name, ask) {
      const stored = await callObject(
        () => objects.session(name),
        (stub) => stub.store(ask),
      );
      return found(stored) !== undefined;
    },
    async recall(name, ask) {
      const recalled = await callObject(
        () => objects.session(name),
        (stub) => stub.recall(ask),
      );
      return recalled.kind === "lost" ? "lost" : found(recalled);
    },
    async replace(name, tenant, number, items) {
      const replaced = await callObject(
        () => objects.session(name),
        (stub) => stub.replace(tenant, number, items),
      );
      return found(replaced) !== undefined;
    },
    async converse(name, ask) {
      const conversed = await callObject(
        () => objects.session(name),
        (stub) => stub.converse(ask),
      );
      return found(conversed) !== undefined;
    },
    async forget(name, tenant, number) {
      const gone = await callObject(
        () => objects.session(name),
        (stub) => stub.forget(tenant, number),
      );
      return found(gone) !== undefined;
    },
    list(tenant, limit, after) {
      const readDay: ReadDay = async (day, from, more) => {
        const shards = Array.from({ length: SHARDS }, (_, shard) =>
          callObject(
            () => objects.receipts(receiptsName(tenant, day, shard)),
            (stub) => stub.sessions({ v: 1, from, more }),
          ),
        );
        const replies = await Promise.all(shards);
        return replies.flatMap((reply) => {
          if (reply.kind === "lost") throw new Error(`sessions are not listed: ${reply.message}`);
          return reply.value.sessions;
        });
      };
      return sessionPage(readDay, { now: Date.now(), days: receiptDays, limit, after });
    },
  };
}

/** First, as nobody would know of them afterwards: where one cannot be erased, the session is still there to try again. */
async function eraseAnswers(objects: Objects, name: string, tenant: string): Promise<void> {
  const answers = await callObject(
    () => objects.session(name),
    (stub) => stub.answers(tenant),
  );
  const erased = (found(answers)?.onces ?? []).map((once) =>
    callObject(
      () => objects.once(once),
      (stub) => stub.erase(),
    ),
  );
  for (const outcome of await Promise.all(erased)) {
    if (outcome.kind === "lost") throw new Error(`an answer is not erased: ${outcome.message}`);
  }
}

/** Idempotency keys by the name of their object. Everything asked of one may be asked twice. */
export function onceStore(env: ObjectsEnv, place: ObjectPlace): Mesh["once"] {
  const objects = createObjects(env, place);
  return {
    async claim(name, ask): Promise<Extract<OnceReply, { ok: true }> | undefined> {
      return found(
        await callObject(
          () => objects.once(name),
          (stub) => stub.claim(ask),
          { timeoutMs: CLAIM_MS },
        ),
      );
    },
    renew: (name, run) =>
      callObject(
        () => objects.once(name),
        (stub) => stub.renew(run),
      ),
    end: (name, end) =>
      callObject(
        () => objects.once(name),
        (stub) => stub.end(end),
      ),
  };
}

/** Receipts by their id, which says when they were begun and where they are kept. */
export function receiptStore(
  env: ObjectsEnv,
  ids: IdMinter,
  buffer: ReceiptBuffer,
  place: ObjectPlace,
) {
  const objects = createObjects(env, place);
  const write = async (name: string, receipts: readonly Receipt[]) => {
    const pack = { v: 1, id: crypto.randomUUID(), receipts } as const;
    const written = await callObject(
      () => objects.receipts(name),
      (stub) => stub.append(pack),
    );
    if (written.kind === "lost") throw new Error(`receipts not written: ${written.message}`);
  };
  return {
    mintId: async (tenant: string) =>
      ids.mint("rct", mintPayload(Date.now(), await tenantTag(tenant))),
    /** The id was minted here, so it reads. */
    add(receipt: Receipt, waitUntil: (work: Promise<unknown>) => void) {
      const payload = receipt.id.slice(receipt.id.indexOf("_") + 1);
      waitUntil(
        ids.read(receipt.id).then((own) => {
          buffer.add(
            objectOf(receipt.tenant, own?.payload ?? payload).name,
            receipt,
            write,
            waitUntil,
          );
        }),
      );
    },
    async read(id: string, tenant: string): Promise<Receipt | undefined> {
      const own = await ids.read(id);
      if (own?.kind !== "rct") return undefined;
      if (own.payload.slice(12, 16) !== (await tenantTag(tenant))) return undefined;
      const { name, begunAt } = objectOf(tenant, own.payload);
      const until = Math.min(Date.now(), begunAt + LONGEST_TURN_MS) + LATE_MS;
      for (;;) {
        const waiting = buffer.read(name, id);
        if (waiting !== undefined) return waiting;
        const reply = await callObject(
          () => objects.receipts(name),
          (stub) => stub.read(id, tenant),
        );
        if (reply.kind === "answered" && reply.value.ok) return reply.value.receipt;
        if (Date.now() > until) return undefined;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    },
  };
}

/** 12 hex digits of time, 4 of whose it is and 12 of chance. */
function mintPayload(now: number, tag: string): string {
  const chance = crypto.getRandomValues(new Uint8Array(6));
  const hex = [...chance].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return now.toString(16).padStart(12, "0") + tag + hex;
}

function objectOf(tenant: string, payload: string): { name: string; begunAt: number } {
  const begunAt = Number.parseInt(payload.slice(0, 12), 16);
  const shard = Number.parseInt(payload.slice(-2), 16) % SHARDS;
  return { name: receiptsName(tenant, receiptsDay(begunAt), shard), begunAt };
}

function found<Reply extends { readonly ok: boolean }>(
  outcome: Outcome<Reply>,
): Extract<Reply, { ok: true }> | undefined {
  if (outcome.kind === "lost" || !outcome.value.ok) return undefined;
  return outcome.value as Extract<Reply, { ok: true }>;
}
