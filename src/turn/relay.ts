import {
  isUsageOnly,
  readChunkUsage,
  isContentFrame,
  isErrorFrame,
  type AnswerCollector,
} from "../core/chat-frames.ts";
import { createSseFramer, frameData } from "../core/sse.ts";
import type { Usage } from "../core/leg.ts";

/** What a relayed stream was, as seen while it passed. */
export type Relayed = {
  usage: Usage | undefined;
  /** Frames with content; one per token for engines that send one per token. */
  contentFrames: number;
  ended: "complete" | "broken" | "client-left";
  why: string | undefined;
};

export type RelayOptions = {
  /** The client did not ask for usage: its frame is taken out. */
  readonly dropUsage: boolean;
  readonly collector: AnswerCollector | undefined;
  /** Settles the turn; the last frame waits for it. Called once, with the stream complete. */
  readonly settle: (relayed: Relayed) => Promise<void>;
};

const encoder = new TextEncoder();

/**
 * Passes an engine's event stream on, frame by frame and byte for byte, watching what passes. The last frame is held
 * until `settle` has answered. A stream that breaks ends with an error frame and no `[DONE]`.
 */
export async function relay(
  source: ReadableStream<Uint8Array>,
  sink: WritableStreamDefaultWriter<Uint8Array>,
  errorFrame: (why: string) => string,
  options: RelayOptions,
): Promise<Relayed> {
  const relayed: Relayed = {
    usage: undefined,
    contentFrames: 0,
    ended: "complete",
    why: undefined,
  };
  const reader = source.getReader();
  // A client that leaves must end the engine's stream even while the engine is silent.
  const left = sink.closed.then(
    () => "left" as const,
    () => "left" as const,
  );
  const framer = createSseFramer();
  let last: Uint8Array | undefined;
  try {
    for (;;) {
      const next = await Promise.race([reader.read(), left]);
      if (next === "left") throw new ClientLeft();
      if (next.done) break;
      const pass: Uint8Array[] = [];
      for (const frame of framer.push(next.value)) {
        const verdict = watch(frame, relayed, options);
        if (verdict === "done") {
          last = frame;
          break;
        }
        if (verdict === "error") throw new Error("the engine sent an error");
        if (verdict === "pass") pass.push(frame);
      }
      if (pass.length > 0) await write(sink, pass);
      if (last !== undefined) break;
    }
    if (last === undefined) throw new Error("the engine's stream ended without [DONE]");
    await options.settle(relayed);
    await write(sink, [last]);
    await sink.close();
  } catch (error) {
    relayed.ended = error instanceof ClientLeft ? "client-left" : "broken";
    relayed.why = error instanceof Error ? error.message : String(error);
    reader.cancel(relayed.why).catch(() => {});
    await options.settle(relayed);
    if (relayed.ended === "broken") await endWithError(sink, errorFrame(relayed.why));
  }
  return relayed;
}

class ClientLeft extends Error {
  constructor() {
    super("the client left");
  }
}

function watch(
  frame: Uint8Array,
  relayed: Relayed,
  options: RelayOptions,
): "pass" | "drop" | "done" | "error" {
  const data = frameData(frame);
  if (data === undefined) return "pass";
  if (data === "[DONE]") return "done";
  if (isErrorFrame(data)) return "error";
  if (isUsageOnly(data)) {
    relayed.usage = readChunkUsage(data) ?? relayed.usage;
    return options.dropUsage ? "drop" : "pass";
  }
  if (isContentFrame(data)) {
    relayed.contentFrames += 1;
    options.collector?.add(data);
  }
  return "pass";
}

async function write(sink: WritableStreamDefaultWriter<Uint8Array>, frames: Uint8Array[]) {
  try {
    for (const frame of frames) await sink.write(frame);
  } catch {
    throw new ClientLeft();
  }
}

async function endWithError(sink: WritableStreamDefaultWriter<Uint8Array>, frame: string) {
  try {
    await sink.write(encoder.encode(frame));
    await sink.close();
  } catch {
    // The client left as well; there is nobody to tell.
  }
}
