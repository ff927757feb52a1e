import { randomUUID } from "node:crypto";
import { answerCompletion } from "./answer.ts";
import { readChat, readPrompt, readText } from "./ask.ts";
import { AskError } from "./ask-error.ts";
import { type Engine, promptTokens } from "./complete.ts";
import { isBody } from "./fields.ts";
import { modelShape } from "./model-shape.ts";

const MOST_BODY_BYTES = 16 * 1024 * 1024;
/** Tells this life of the process from others: what it holds ends with it. */
const INSTANCE = randomUUID();

/** Answers every request to the engine; rejects with an `AskError` when it is the caller's fault. */
export async function answerRequest(engine: Engine, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const { loaded, sequences, counters, kv } = engine;
  const { name } = loaded;
  switch (`${request.method} ${pathname}`) {
    case "POST /v1/chat/completions":
      return answerCompletion(
        engine,
        "chat",
        readChat(await jsonOf(request), name),
        request.signal,
      );
    case "POST /v1/completions":
      return answerCompletion(
        engine,
        "text",
        readText(await jsonOf(request), name),
        request.signal,
      );
    case "POST /tokenize":
      return Response.json(tokenise(engine, await jsonOf(request)));
    case "GET /v1/models":
      return Response.json({ object: "list", data: [modelOf(engine)] });
    case "GET /health":
      return Response.json({
        status: "ok",
        model: name,
        fingerprint: loaded.fingerprint,
        instance: INSTANCE,
      });
    case "GET /metrics":
      return new Response(counters.text(name, sequences) + kv.metrics(), {
        headers: { "content-type": "text/plain; version=0.0.4" },
      });
    default:
      return (await kv.answer(request)) ?? notFound(request.method, pathname);
  }
}

function modelOf({ loaded, sequences }: Engine): object {
  return {
    id: loaded.name,
    object: "model",
    owned_by: "llama.cpp",
    max_model_len: sequences.contextTokens,
    meta: modelShape(loaded, sequences),
  };
}

/** The tokens that a completion with this `prompt` or these `messages` would begin with. */
function tokenise(engine: Engine, body: unknown): object {
  const chat = isBody(body) && body.messages !== undefined;
  const { prompt } = chat
    ? readChat(body, engine.loaded.name)
    : { prompt: readPrompt(isBody(body) ? body.prompt : undefined) };
  const tokens = promptTokens(engine, prompt);
  return { count: tokens.length, max_model_len: engine.sequences.contextTokens, tokens };
}

function notFound(method: string, path: string): never {
  throw new AskError(404, "not_found", `There is no ${method} ${path}`);
}

async function jsonOf(request: Request): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BODY_BYTES) {
      throw new AskError(413, "too_large", `A body has at most ${MOST_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new AskError(400, "invalid_json", "The body is not JSON");
  }
}
