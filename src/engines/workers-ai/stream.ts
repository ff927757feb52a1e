import { createSseFramer, frameData } from "../../core/sse.ts";
import { type About, endOf, type OwnCall, readOwnShape, toolCall } from "./own-shape.ts";

/** Turns a stream in Workers AI's own shape into OpenAI's; one that is OpenAI's already passes byte for byte. */
export function asOpenAiStream(about: About): TransformStream<Uint8Array, Uint8Array> {
  const framer = createSseFramer();
  const chunks = chunksOf(about);
  return new TransformStream({
    transform(bytes, controller) {
      for (const frame of framer.push(bytes)) {
        const data = frameData(frame);
        const own = data === undefined ? undefined : chunks.read(data);
        if (own === undefined) controller.enqueue(frame);
        else if (own.length > 0) controller.enqueue(encode(own));
      }
    },
    flush(controller) {
      const rest = framer.rest();
      if (rest.byteLength > 0) controller.enqueue(rest);
    },
  });
}

/** The chunks that stand for a frame's data; undefined where it stands for itself. */
function chunksOf(about: About): { read(data: string): readonly object[] | undefined } {
  let isOwn = false;
  let usage: object | undefined;
  const begun = new Set<number>();
  const { id, created, model } = about;
  const chunk = (choices: readonly object[], more = {}) => ({
    id,
    object: "chat.completion.chunk",
    created,
    model,
    choices,
    ...more,
  });
  const say = (delta: object, end: string | null = null) =>
    chunk([{ index: 0, delta, finish_reason: end }]);
  return {
    read(data) {
      if (data === "[DONE]") {
        if (!isOwn) return undefined;
        const counted = usage === undefined ? [] : [chunk([], { usage })];
        return [say({}, endOf(begun.size > 0, usage, about)), ...counted, END];
      }
      const own = readOwnShape(parse(data));
      if (own === undefined) return undefined;
      const role = isOwn ? {} : { role: "assistant" };
      isOwn = true;
      usage = own.usage ?? usage;
      const calls = own.calls.map((call) => callDelta(call, begun, about));
      if (calls.length > 0) return [say({ ...role, tool_calls: calls })];
      return own.text === "" ? [] : [say({ ...role, content: own.text })];
    },
  };
}

const END = {};

/** The first piece of a call names it. */
function callDelta(call: OwnCall, begun: Set<number>, about: About): object {
  const { index } = call;
  if (begun.has(index)) return { index, function: { arguments: call.arguments } };
  begun.add(index);
  return { index, ...toolCall(call, about) };
}

function encode(chunks: readonly object[]): Uint8Array {
  const frames = chunks.map((one) => `data: ${one === END ? "[DONE]" : JSON.stringify(one)}\n\n`);
  return new TextEncoder().encode(frames.join(""));
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
