import { callObject } from "../rpc/call-object.ts";
import type { RegionStub } from "../rpc/objects.ts";
import { frameOf, pack, unpack } from "../rpc/packed.ts";
import type {
  RegionClaim,
  RegionEvent,
  RegionReport,
  RegionReserve,
} from "../rpc/region-messages.ts";
import { EngineProbes, probedEvent } from "./engine-probes.ts";
import type { EngineAccess } from "./engine-request.ts";
import { answerKv } from "./kv-worker.ts";
import { runLeg } from "./run-leg.ts";
import type { LegOrder } from "./service.ts";
import { type LegFrame, type LegRequest, WORKER_MESSAGES_VERSION } from "./worker-messages.ts";

/**
 * The region service as a worker of its own, beside its engines and its Region object: answers what `RegionWorkers` of an
 * edge asks. One exchange reserves an engine and runs the leg on it.
 */
export function createRegionWorker(
  access: EngineAccess,
  object: (shard: string) => RegionStub,
): (request: Request, waitUntil: WaitUntil) => Promise<Response> {
  const probes = new EngineProbes(access, Date);
  return async (request, waitUntil) => {
    const kv = answerKv(access, request);
    if (kv !== undefined) return kv;
    const near = probing(probes, object, waitUntil);
    const { pathname } = new URL(request.url);
    const message = unpack(new Uint8Array(await request.arrayBuffer())) as { readonly v: number };
    if (message.v !== WORKER_MESSAGES_VERSION) return answer(unknownVersion, pathname === "/leg");
    if (pathname === "/leg") {
      return new Response(legStream(access, near, message as LegRequest, request.signal));
    }
    const { region } = message as RegionClaim | RegionReport | RegionReserve;
    const stub = near(region);
    if (pathname === "/reserve") return answer(await stub.reserve(message as RegionReserve));
    if (pathname === "/claim") return answer(await stub.claim(message as RegionClaim));
    if (pathname === "/report") return answer(await stub.report(message as RegionReport));
    return new Response(null, { status: 404 });
  };
}

type WaitUntil = (work: Promise<unknown>) => void;

/** The same objects for callers who are not to probe: the engines are near here. */
function probing(
  probes: EngineProbes,
  object: (shard: string) => RegionStub,
  waitUntil: WaitUntil,
): (shard: string) => RegionStub {
  const tell = (region: string, event: RegionEvent) => {
    const reports = { events: [event], renewed: [], running: [] };
    // Lost is lost: its engine is probed again soon.
    return callObject(
      () => object(region),
      (stub) => stub.report({ v: 1, region, reports }),
    );
  };
  return (shard) => {
    const stub = object(shard);
    return {
      claim: (message) => stub.claim(message),
      report: (message) => stub.report(message),
      async reserve(message) {
        const reply = await stub.reserve(message);
        if (!reply.ok || reply.probes === undefined) return reply;
        const { probes: due, ...rest } = reply;
        waitUntil(
          probes.each(due, (probe, heard) => waitUntil(tell(shard, probedEvent(probe, heard)))),
        );
        return rest;
      },
    };
  };
}

const unknownVersion = { ok: false, v: 1, code: "unknown_version" } as const;

function answer(reply: unknown, isLeg = false): Response {
  return new Response(isLeg ? frameOf({ kind: "none", reply }) : pack(reply));
}

/** Frames until the leg has begun, then its bytes. The leg ends with whoever reads it. */
function legStream(
  access: EngineAccess,
  object: (shard: string) => RegionStub,
  request: LegRequest,
  left: AbortSignal,
): ReadableStream<Uint8Array> {
  const unread = new AbortController();
  const signal = AbortSignal.any([left, unread.signal]);
  let body: Promise<ReadableStreamDefaultReader<Uint8Array> | undefined>;
  return new ReadableStream<Uint8Array>({
    // Not awaited: the runtime pulls before that, and would find nothing.
    start(controller) {
      const tell = (frame: LegFrame) => {
        if (!unread.signal.aborted) controller.enqueue(frameOf(frame));
      };
      body = begin(access, object, request, tell, signal);
    },
    async pull(controller) {
      const next = await (await body)?.read();
      if (next !== undefined && !next.done) controller.enqueue(next.value);
      else if (!unread.signal.aborted) controller.close();
    },
    async cancel(reason) {
      unread.abort();
      await (await body)?.cancel(reason);
    },
  });
}

/** Tells how the leg goes until its answer has begun; gives what follows then. */
async function begin(
  access: EngineAccess,
  object: (shard: string) => RegionStub,
  { order, reserve }: LegRequest,
  tell: (frame: LegFrame) => void,
  signal: AbortSignal,
): Promise<ReadableStreamDefaultReader<Uint8Array> | undefined> {
  const granted = reserve ? await engineFor(object, order, reserve, tell, signal) : order;
  if (granted === undefined) return undefined;
  const answer = await runLeg(access, granted, signal);
  if (!answer.ok || answer.kind !== "answering") {
    tell({ kind: "leg", answer });
    return undefined;
  }
  const { body, ...head } = answer;
  tell({ kind: "leg", answer: head });
  return body.getReader();
}

/** Waits for an engine as its caller would: the answers go to the caller, who says when it has waited enough. */
async function engineFor(
  object: (shard: string) => RegionStub,
  order: LegOrder,
  message: RegionReserve,
  tell: (frame: LegFrame) => void,
  signal: AbortSignal,
): Promise<LegOrder | undefined> {
  const { region } = message;
  const { pool } = message.wanted;
  const reply = await object(region).reserve(message);
  tell({ kind: "reserved", reply });
  let last = reply.ok ? reply.answer : undefined;
  while (last?.kind === "queued" && !signal.aborted) {
    const claim = { v: 1, region, pool, ticket: last.ticket } as const;
    const claimed = await object(region).claim(claim);
    tell({ kind: "claimed", reply: claimed });
    last = claimed.ok ? claimed.answer : undefined;
  }
  if (last?.kind !== "granted" || signal.aborted) return undefined;
  const { ticket, engine, pull } = last.grant;
  return { ...order, ticket, engine, ...(pull && order.kept === undefined && { pull: pull.from }) };
}
