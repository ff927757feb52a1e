import {
  hasTokens,
  isContentFrame,
  isErrorFrame,
  isUsageOnly,
  readChunkUsage,
  type AnswerCollector,
} from "../core/chat-frames.ts";
import { concatenate } from "../core/json-members.ts";
import type { Told, Usage } from "../core/leg.ts";
import { createSseFramer, frameData, withFrameData } from "../core/sse.ts";

/** What a relayed stream was, as seen while it passed. */
export type Relayed = {
  usage: Usage | undefined;
  /** Frames that brought tokens; one per token for engines that send one per token. */
  tokenFrames: number;
  /** What was told of the engines behind the stream, by whichever frames. */
  told: Told | undefined;
  ended: "complete" | "broken" | "client-left";
  why: string | undefined;
};

/** What an engine's stream is made the client's by, frame by frame. */
export type RelayedLeg = {
  /** Makes an event's data what the client is sent and the turn sees; undefined leaves the event out. */
  readonly rewrite?: ((data: string) => string | undefined) | undefined;
  /** Makes the figures of a frame with `usage` true; absent where the engine's own stand. */
  readonly correct: ((frame: Uint8Array) => Promise<Uint8Array>) | undefined;
  /** Takes out of a frame what is not for the client. */
  readonly take?: ((frame: Uint8Array) => Uint8Array) | undefined;
  /** What a frame tells of the engines behind the stream. */
  readonly told: (data: string) => Told | undefined;
};

export type RelayOptions = RelayedLeg & {
  /** Aborts when the client is gone; the engine's stream ends with it even while the engine is silent. */
  readonly signal: AbortSignal;
  /** The client did not ask for usage: its frame is taken out. */
  readonly dropUsage: boolean;
  readonly collector: AnswerCollector;
  /**
   * Called where the stream breaks off with the client still there: what another engine goes on with, if one does. Then
   * `relayed` is of that one alone.
   */
  readonly goOn?: (relayed: Relayed) => Promise<NextLeg | undefined>;
  /** Settles the turn; the last frame waits for it. Called once, when the stream is over. */
  readonly settle: (relayed: Relayed) => Promise<void>;
  /** The frame that tells the client why its answer broke off. */
  readonly errorFrame: (why: string) => string;
};

export type NextLeg = RelayedLeg & { readonly body: ReadableStream<Uint8Array> };

const encoder = new TextEncoder();

/**
 * Passes an engine's event stream on, frame by frame and byte for byte, watching what passes. The last frame is held
 * until `settle` has answered. A stream that breaks ends with an error frame and no `[DONE]`.
 */
export async function relay(
  source: ReadableStream<Uint8Array>,
  sink: WritableStreamDefaultWriter<Uint8Array>,
  options: RelayOptions,
): Promise<void> {
  const relayed: Relayed = { ...NOTHING_YET };
  const left = leaving(options.signal);
  try {
    const last = await passAll(source, sink, left, relayed, options);
    await options.settle(relayed);
    await left.orElse(write(sink, last));
    await left.orElse(sink.close());
  } catch (error) {
    relayed.ended = hasLeft(error, options) ? "client-left" : "broken";
    relayed.why = messageOf(error);
    await options.settle(relayed);
    if (relayed.ended === "broken") {
      await sink.write(encoder.encode(options.errorFrame(relayed.why))).catch(() => {});
    }
    await sink.close().catch(() => {});
  } finally {
    left.forget();
  }
}

const NOTHING_YET: Readonly<Relayed> = {
  usage: undefined,
  tokenFrames: 0,
  told: undefined,
  ended: "complete",
  why: undefined,
};

/** Everything up to the last frame, which is given back; from as many engines as it takes. */
async function passAll(
  source: ReadableStream<Uint8Array>,
  sink: WritableStreamDefaultWriter<Uint8Array>,
  left: Leaving,
  relayed: Relayed,
  options: RelayOptions,
): Promise<Uint8Array> {
  let leg: NextLeg = { ...options, body: source };
  for (;;) {
    const reader = leg.body.getReader();
    try {
      return await passOn(reader, sink, left, relayed, { ...options, ...leg });
    } catch (error) {
      relayed.why = messageOf(error);
      reader.cancel(relayed.why).catch(() => {});
      if (hasLeft(error, options)) throw error;
      const next = await options.goOn?.(relayed);
      if (next === undefined) throw error;
      Object.assign(relayed, NOTHING_YET);
      leg = next;
    }
  }
}

function hasLeft(error: unknown, { signal }: RelayOptions): boolean {
  return signal.aborted || error instanceof ClientLeft;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What one engine sends, up to the last frame. */
async function passOn(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  sink: WritableStreamDefaultWriter<Uint8Array>,
  left: Leaving,
  relayed: Relayed,
  options: RelayOptions,
): Promise<Uint8Array> {
  const framer = createSseFramer();
  for (;;) {
    const next = await left.orElse(reader.read());
    for (const sent of next.done ? framer.end() : framer.push(next.value)) {
      const frame = rewritten(sent, options);
      if (frame === undefined) continue;
      const verdict = watch(frame, relayed, options);
      if (verdict === "done") return frame;
      if (verdict === "error") throw new Error("the engine sent an error");
      const passed = options.take?.(frame) ?? frame;
      if (verdict === "drop") continue;
      const isCorrected = verdict === "usage" && options.correct !== undefined;
      await left.orElse(write(sink, isCorrected ? await options.correct(passed) : passed));
    }
    if (next.done) return endOf(framer.rest());
  }
}

function rewritten(frame: Uint8Array, { rewrite }: RelayedLeg): Uint8Array | undefined {
  const data = rewrite && frameData(frame);
  if (rewrite === undefined || !data?.startsWith("{")) return frame;
  const said = rewrite(data);
  return said === undefined ? undefined : withFrameData(frame, said);
}

/** The last event of a stream that ended without its blank line, with one. */
function endOf(rest: Uint8Array): Uint8Array {
  if (frameData(rest) !== "[DONE]") throw new Error("the engine's stream ended too early");
  return concatenate([rest, encoder.encode("\n\n")]);
}

function watch(
  frame: Uint8Array,
  relayed: Relayed,
  options: RelayOptions,
): "pass" | "usage" | "drop" | "done" | "error" {
  const data = frameData(frame);
  if (data === undefined) return "pass";
  if (data === "[DONE]") return "done";
  if (isErrorFrame(data)) return "error";
  const told = options.told(data);
  if (told !== undefined) relayed.told = { ...relayed.told, ...told };
  if (isContentFrame(data)) {
    if (hasTokens(data)) relayed.tokenFrames += 1;
    options.collector.add(data);
  }
  if (!data.includes('"usage"')) return "pass";
  const usage = readChunkUsage(data);
  if (usage === undefined) return "pass";
  relayed.usage = usage;
  return options.dropUsage && isUsageOnly(data) ? "drop" : "usage";
}

class ClientLeft extends Error {
  constructor() {
    super("the client left");
  }
}

async function write(sink: WritableStreamDefaultWriter<Uint8Array>, bytes: Uint8Array) {
  try {
    await sink.write(bytes);
  } catch {
    throw new ClientLeft();
  }
}

type Leaving = {
  /** What `work` gives, or a rejection as soon as the client is gone. */
  orElse<T>(work: Promise<T>): Promise<T>;
  forget(): void;
};

function leaving(signal: AbortSignal): Leaving {
  let leave: (reason: Error) => void = () => {};
  const onAbort = () => leave(new ClientLeft());
  signal.addEventListener("abort", onAbort);
  return {
    orElse(work) {
      return new Promise((resolve, reject) => {
        leave = reject;
        if (signal.aborted) onAbort();
        work.then(resolve, reject);
      });
    },
    forget: () => signal.removeEventListener("abort", onAbort),
  };
}
