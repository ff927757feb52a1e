/**
 * The stream as it looks from `delayMs` away: every chunk, the end and an error arrive that much later, in order, and
 * chunks travel side by side, so a delay costs latency and no throughput. An abort is felt at once.
 */
export function delayStream(
  source: ReadableStream<Uint8Array>,
  delayMs: number,
  signal?: AbortSignal | null,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  const wire: Arrival[] = [];
  let bytesOnWire = 0;
  const arrived = signalling();
  const drained = signalling();

  async function send(): Promise<void> {
    for (;;) {
      const arrival = await reader.read().then(
        ({ done, value }): Arrival => ({ dueAt: performance.now() + delayMs, end: done, value }),
        (error: unknown): Arrival => ({ dueAt: performance.now() + delayMs, end: true, error }),
      );
      wire.push(arrival);
      bytesOnWire += arrival.value?.byteLength ?? 0;
      arrived.signal();
      if (arrival.end) return;
      if (bytesOnWire > MAX_BYTES_ON_WIRE) await drained.next();
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      start() {
        void send();
      },
      async pull(controller) {
        while (wire.length === 0) await arrived.next();
        const arrival = wire.shift() as Arrival;
        await wait(arrival.dueAt - performance.now(), signal);
        if ("error" in arrival) controller.error(arrival.error);
        else if (arrival.end) controller.close();
        else if (arrival.value) {
          bytesOnWire -= arrival.value.byteLength;
          drained.signal();
          controller.enqueue(arrival.value);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Resolves after `ms`, at once when that is not positive; rejects with the signal's reason when it aborts first. */
export function wait(ms: number, signal?: AbortSignal | null): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** What may travel at once before the sender is held back: about 10 Gb/s over 100 ms would need 125 MB; this is less. */
const MAX_BYTES_ON_WIRE = 16 * 1024 * 1024;

type Arrival = {
  readonly dueAt: number;
  readonly end: boolean;
  readonly value?: Uint8Array | undefined;
  readonly error?: unknown;
};

/** One waiter at a time; a signal given while nobody waits is lost, so callers check before they wait. */
function signalling(): { next(): Promise<void>; signal(): void } {
  let wake: (() => void) | undefined;
  return {
    next: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
    signal() {
      wake?.();
      wake = undefined;
    },
  };
}
