import { ByteBuffer } from "../core/byte-buffer.ts";
import { createSseFramer, frameData, MAX_EVENT_BYTES } from "../core/sse.ts";
import { isContentFrame, isErrorFrame } from "../core/chat-frames.ts";
import type { LegFailure } from "./service.ts";

/** A stream that ended in a way its reader must tell apart. */
export class LegBroken extends Error {
  readonly kind: LegFailure["kind"];

  constructor(kind: LegFailure["kind"], message: string) {
    super(message);
    this.name = "LegBroken";
    this.kind = kind;
  }
}

/** A stream that broke off before its first content, though the engine had begun to answer; `cause` is how. */
export class CutShort extends Error {
  constructor(cause: unknown) {
    super("the stream broke off before any content", { cause });
    this.name = "CutShort";
  }
}

function cutShort(cause: unknown): never {
  throw new CutShort(cause);
}

/**
 * Reads an engine's event stream up to its first content frame. What was read is given back in front of the rest, so
 * that until then the leg can still fail without the caller having seen anything. A stream with a frame of which
 * `declines` is true is dropped.
 */
export async function untilFirstContent(
  source: ReadableStream<Uint8Array>,
  deadline: Deadline,
  declines?: (data: string) => boolean,
): Promise<ReadableStream<Uint8Array> | "declined"> {
  const reader = source.getReader();
  const framer = createSseFramer();
  const held = new ByteBuffer();
  try {
    for (;;) {
      const { done, value } = await deadline.race(reader.read().catch(cutShort));
      if (done) throw new LegBroken("malformed", "the stream ended before any content");
      held.append(value);
      for (const frame of framer.push(value)) {
        const data = frameData(frame);
        if (data === undefined) continue;
        if (isErrorFrame(data))
          throw new LegBroken("status", `the engine sent an error: ${data.slice(0, 300)}`);
        if (declines?.(data)) {
          deadline.clear();
          reader.cancel().catch(() => {});
          return "declined";
        }
        if (!isContentFrame(data)) continue;
        deadline.startIdle();
        return rest(reader, held.view(), deadline);
      }
      // Chunks may be large: one that brings content is taken, however much there was before it.
      if (held.length > MAX_EVENT_BYTES) {
        throw new LegBroken("malformed", `no content in the first ${MAX_EVENT_BYTES} bytes`);
      }
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  }
}

/** The held bytes, then what follows, with the idle deadline between chunks. */
export function rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  held: Uint8Array,
  deadline: Deadline,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (held.length > 0) controller.enqueue(held);
    },
    async pull(controller) {
      try {
        const { done, value } = await deadline.race(reader.read());
        if (done) {
          deadline.clear();
          controller.close();
        } else controller.enqueue(value);
      } catch (error) {
        deadline.clear();
        reader.cancel().catch(() => {});
        controller.error(error);
      }
    },
    async cancel(reason) {
      deadline.clear();
      await reader.cancel(reason);
    },
  });
}

/** Two deadlines on one leg: one for its first content, then one for every silence. */
export type Deadline = {
  race<T>(work: Promise<T>): Promise<T>;
  /** From now on silences are measured. */
  startIdle(): void;
  clear(): void;
};

export function createDeadline(firstMs: number, idleMs: number, onExpiry: () => void): Deadline {
  let expire: ((error: LegBroken) => void) | undefined;
  let clear = () => {};
  let idle = false;
  const arm = (ms: number, what: string) => {
    clear();
    const timer = setTimeout(() => {
      expire?.(new LegBroken("stalled", `${what} within ${ms} ms`));
      onExpiry();
    }, ms);
    clear = () => clearTimeout(timer);
  };
  arm(firstMs, "no first token");
  return {
    race(work) {
      if (idle) arm(idleMs, "no further token");
      return new Promise((resolve, reject) => {
        expire = reject;
        const settled = () => {
          if (idle) clear();
        };
        work.then(resolve, reject).finally(settled);
      });
    },
    startIdle() {
      idle = true;
      clear();
    },
    clear: () => clear(),
  };
}
