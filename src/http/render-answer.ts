import type { AnswerRenderer } from "../apps/app-api.ts";
import { apiError, errorOfChunk, type ApiError } from "../apps/errors.ts";
import { isErrorFrame } from "../core/chat-frames.ts";
import { createSseFramer, frameData } from "../core/sse.ts";

/** What a turn answered as the caller's API has it; without a renderer, and where it failed, as it is. */
export async function renderAnswer(
  answer: Response,
  renderer: AnswerRenderer | undefined,
  respond: (error: ApiError) => Response,
): Promise<Response> {
  if (renderer === undefined || !answer.ok || answer.body === null) return answer;
  const { headers } = answer;
  if (headers.get("content-type")?.startsWith("text/event-stream")) {
    return new Response(renderStream(answer.body, renderer), { headers });
  }
  try {
    return new Response(await renderer.whole(await answer.text()), { headers });
  } catch (error) {
    return respond(unreadable(error));
  }
}

/** An event stream of chat frames in the caller's API. Whoever stops reading it stops its source. */
export function renderStream(
  chat: ReadableStream<Uint8Array>,
  renderer: AnswerRenderer,
): ReadableStream<Uint8Array> {
  const framer = createSseFramer();
  let isOver = false;
  const write = async (
    frames: readonly Uint8Array[],
    to: TransformStreamDefaultController<Uint8Array>,
  ) => {
    for (const frame of frames) {
      if (isOver) return;
      const { events, isLast } = await eventsOf(renderer, frame);
      isOver = isLast;
      if (events !== "") to.enqueue(encoder.encode(events));
    }
  };
  return chat.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => write(framer.push(chunk), controller),
      flush: (controller) => write(framer.end(), controller),
    }),
  );
}

const encoder = new TextEncoder();

async function eventsOf(
  renderer: AnswerRenderer,
  frame: Uint8Array,
): Promise<{ readonly events: string; readonly isLast: boolean }> {
  const data = frameData(frame);
  if (data === undefined) return { events: renderer.keepAlive(), isLast: false };
  try {
    if (data === "[DONE]") return { events: await renderer.end(), isLast: true };
    if (isErrorFrame(data)) return { events: renderer.error(errorOfChunk(data)), isLast: true };
    return { events: renderer.frame(data), isLast: false };
  } catch (error) {
    return { events: renderer.error(unreadable(error)), isLast: true };
  }
}

/** The error of an answer that could not be rendered; what is no `SyntaxError` is thrown on, as it is a bug. */
function unreadable(error: unknown): ApiError {
  if (error instanceof SyntaxError) return apiError("engine_failed", UNREADABLE);
  throw error;
}

const UNREADABLE = "The engine's answer could not be read.";
