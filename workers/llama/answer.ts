import type { Ask } from "./ask.ts";
import { errorBody } from "./ask-error.ts";
import { complete, type Ending, type Engine } from "./complete.ts";
import { type Shape, shapeOf } from "./shapes.ts";

/** Answers a completion, whole or as a stream of server-sent events; rejects before the first byte with what is wrong. */
export async function answerCompletion(
  engine: Engine,
  kind: "chat" | "text",
  ask: Ask,
  signal: AbortSignal,
): Promise<Response> {
  const shape = shapeOf(kind, ask.model);
  const pieces = complete(engine, ask, signal);
  if (!ask.stream) return Response.json(await wholeOf(shape, pieces));
  // What is wrong with a request is found before its first piece, and told with a status of its own.
  const first = await pieces.next();
  const body = ReadableStream.from(events(shape, ask, first, pieces));
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" },
  });
}

type Pieces = AsyncGenerator<string, Ending, void>;

async function wholeOf(shape: Shape, pieces: Pieces): Promise<object> {
  let text = "";
  for (;;) {
    const step = await pieces.next();
    if (step.done === true) return shape.whole(text, step.value);
    text += step.value;
  }
}

async function* events(
  shape: Shape,
  ask: Ask,
  first: IteratorResult<string, Ending>,
  pieces: Pieces,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    const begin = shape.first();
    if (begin !== undefined) yield event(begin);
    let step = first;
    for (; step.done !== true; step = await pieces.next()) yield event(shape.piece(step.value));
    yield event(shape.last(step.value));
    const tail = shape.tail(step.value, ask.includeUsage);
    if (tail !== undefined) yield event(tail);
    yield encoder.encode("data: [DONE]\n\n");
  } catch (error) {
    yield event(errorBody(error).body);
  } finally {
    await pieces.return(undefined as never);
  }
}

const encoder = new TextEncoder();

function event(data: object): Uint8Array {
  return encoder.encode(`data: ${JSON.stringify(data)}\n\n`);
}
