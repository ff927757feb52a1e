/** Something of a peer that a request can do without, its message a clause for people. */
export class PeerFailure extends Error {
  override readonly name = "PeerFailure";
}

export type PeerTimes = {
  /** Until the peer's answer begins. */
  readonly answerMs: number;
  /** Between two pieces of a stream. */
  readonly stallMs: number;
  /** From the asking to the last byte. */
  readonly wholeMs: number;
};

/**
 * Asks a peer and hands its body to `take` while it comes.
 * Throws a `PeerFailure` when the peer is away, refuses, falls silent or is slow; throws the signal's reason when it aborts.
 */
export async function askPeer<T>(
  url: string,
  ask: {
    readonly fetch: typeof fetch;
    readonly init: RequestInit;
    readonly times: PeerTimes;
    readonly signal: AbortSignal;
  },
  take: (body: AsyncIterable<Uint8Array>, headers: Headers) => Promise<T>,
): Promise<T> {
  const { times } = ask;
  const watch = new Watch();
  const whole = new Watch();
  const signal = AbortSignal.any([ask.signal, watch.signal, whole.signal]);
  const peer = new URL(url).origin;
  let body: ReadableStream<Uint8Array> | undefined;
  let pieces: AsyncGenerator<Uint8Array> | undefined;
  try {
    whole.start(times.wholeMs, `${peer} had not sent all within ${times.wholeMs} ms`);
    watch.start(times.answerMs, `${peer} did not answer within ${times.answerMs} ms`);
    const response = await ask.fetch(url, { ...ask.init, signal, redirect: "error" });
    watch.stop();
    body = response.body ?? undefined;
    if (response.status !== 200 || !body) throw new PeerFailure(refusal(peer, response.status));
    const stalled = `${peer} sent nothing for ${times.stallMs} ms`;
    pieces = watched(body, watch, times.stallMs, stalled);
    return await take(pieces, response.headers);
  } catch (error) {
    ask.signal.throwIfAborted();
    const late = [watch, whole].find(({ signal }) => signal.aborted);
    if (late) throw new PeerFailure(late.reason, { cause: error });
    if (error instanceof TypeError) {
      throw new PeerFailure(`${peer} could not be reached or broke off`, { cause: error });
    }
    throw error;
  } finally {
    watch.stop();
    whole.stop();
    await pieces?.return(undefined);
    if (body && !body.locked) await body.cancel().catch(() => {});
  }
}

function refusal(peer: string, status: number): string {
  return status === 404
    ? `${peer} has no such state (ended, freed, or another's)`
    : `${peer} answered ${status}`;
}

async function* watched(
  body: ReadableStream<Uint8Array>,
  watch: Watch,
  stallMs: number,
  reason: string,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      watch.start(stallMs, reason);
      const { done, value } = await reader.read();
      watch.stop();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

/** Aborts its signal when it is not stopped in time. */
class Watch {
  readonly #abort = new AbortController();
  readonly signal = this.#abort.signal;
  reason = "";
  #timer: NodeJS.Timeout | undefined;

  start(withinMs: number, reason: string): void {
    this.#timer = setTimeout(() => {
      this.reason = reason;
      this.#abort.abort();
    }, withinMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
