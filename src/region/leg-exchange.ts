import { FrameReader, pack } from "../rpc/packed.ts";
import type { RegionClaimReply, RegionReserveReply } from "../rpc/region-messages.ts";
import { createDeadline, LegBroken, rest } from "./leg-stream.ts";
import type { LegAnswer, LegOrder } from "./service.ts";
import type { LegFrame, LegRequest } from "./worker-messages.ts";

/** One leg in the worker of its region, as its edge sees it: answers to `reserve` and claims, then the leg itself. */
export class LegExchange {
  readonly #end = new AbortController();
  readonly #reader: Promise<ReadableStreamDefaultReader<Uint8Array>>;
  readonly #frames: Promise<FrameReader>;
  #engine: string;

  constructor(worker: WorkerBinding, request: LegRequest) {
    this.#engine = request.order.engine;
    const asked = { method: "POST", body: pack(request), signal: this.#end.signal };
    this.#reader = worker.fetch("https://region/leg", asked).then(({ ok, status, body }) => {
      if (ok && body) return body.getReader();
      throw new TypeError(`a region's worker answered ${status}`);
    });
    this.#frames = this.#reader.then((reader) => new FrameReader(reader));
    // Nobody may be there to hear of it.
    this.#frames.catch(() => {});
  }

  /** Where the leg runs; empty before an engine was granted. */
  get engine(): string {
    return this.#engine;
  }

  async reserved(): Promise<RegionReserveReply> {
    const frame = await this.#next();
    if (frame.kind === "none") return frame.reply;
    if (frame.kind !== "reserved") throw unexpected(frame);
    this.#keep(frame.reply);
    return frame.reply;
  }

  async claimed(): Promise<RegionClaimReply> {
    const frame = await this.#next();
    if (frame.kind !== "claimed") throw unexpected(frame);
    this.#keep(frame.reply);
    return frame.reply;
  }

  /** How the leg began; undefined when the worker was lost before it told. */
  async answer(order: LegOrder, signal: AbortSignal): Promise<LegAnswer | undefined> {
    const { firstTokenTimeoutMs, idleTimeoutMs } = order;
    const drop = () => this.drop();
    const deadline = createDeadline(firstTokenTimeoutMs + SLACK_MS, idleTimeoutMs + SLACK_MS, drop);
    if (signal.aborted) drop();
    signal.addEventListener("abort", drop, { once: true });
    try {
      const frame = await deadline.race(this.#next());
      if (frame.kind !== "leg") throw unexpected(frame);
      const { answer } = frame;
      if (!answer.ok || answer.kind !== "answering") {
        deadline.clear();
        return answer;
      }
      deadline.startIdle();
      const [reader, frames] = await Promise.all([this.#reader, this.#frames]);
      return { ...answer, body: rest(reader, frames.rest(), deadline) };
    } catch (error) {
      deadline.clear();
      drop();
      if (signal.aborted) return failed("aborted", "the caller left");
      return error instanceof LegBroken ? failed(error.kind, error.message) : undefined;
    }
  }

  /** Ends whatever the worker still does for this leg. */
  drop(): void {
    try {
      this.#end.abort();
      this.#reader.then((reader) => reader.cancel()).catch(() => {});
    } catch {
      // Another request's exchange, which only that one may end: it lapses with its grant.
    }
  }

  async #next(): Promise<LegFrame> {
    const frames = await this.#frames;
    return (await frames.next()) as LegFrame;
  }

  #keep(reply: RegionReserveReply | RegionClaimReply): void {
    if (reply.ok && reply.answer.kind === "granted") this.#engine = reply.answer.grant.engine;
  }
}

/** A binding of a region's own worker, whose default `fetch` runs beside the region's engines. */
export type WorkerBinding = Pick<Fetcher, "fetch">;

/** The worker itself ends a leg that is silent for too long; one that does not even tell that is lost, ms. */
const SLACK_MS = 2000;

function unexpected({ kind }: LegFrame): Error {
  return new TypeError(`a region's worker said \`${kind}\` out of turn`);
}

function failed(kind: LegBroken["kind"], message: string): LegAnswer {
  return { ok: false, failure: { kind, message } };
}
