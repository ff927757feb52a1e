import { completionAsStream } from "../../core/completion-as-stream.ts";
import { type About, endOf, type OwnShape, readOwnShape, toolCall } from "./own-shape.ts";
import { asOpenAiStream } from "./stream.ts";

/** What the binding answered, as an engine with OpenAI's API would have. */
export async function asOpenAi(
  response: Response,
  about: About,
  { stream }: { readonly stream: boolean },
): Promise<Response> {
  const { ok, body, headers } = response;
  if (!ok) return refusal(response);
  if (headers.get("content-type")?.startsWith("text/event-stream")) {
    return new Response(body?.pipeThrough(asOpenAiStream(about)) ?? null, { headers });
  }
  const text = await response.text();
  const own = readOwnShape(parse(text));
  const whole = own === undefined ? text : JSON.stringify(completionOf(own, about));
  if (!stream) return new Response(whole, { headers: typed(headers, "application/json") });
  // Some models know no streams.
  const frames = completionAsStream(new TextEncoder().encode(whole));
  return new Response(frames, { headers: typed(headers, "text/event-stream") });
}

function completionOf(own: OwnShape, about: About): object {
  const { id, created, model } = about;
  const calls = own.calls.map((call) => toolCall(call, about));
  const message = {
    role: "assistant",
    content: own.text === "" && calls.length > 0 ? null : own.text,
    refusal: null,
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  const end = endOf(calls.length > 0, own.usage, about);
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: end }],
    ...(own.usage !== undefined && { usage: own.usage }),
  };
}

/** The same headers over another body. */
function typed(headers: Headers, type: string): Headers {
  const own = new Headers(headers);
  for (const name of ["content-length", "content-encoding"]) own.delete(name);
  own.set("content-type", type);
  return own;
}

/** "No such model" is a 400 there, but `mesh.json` is wrong then, not the request. */
const NO_SUCH_MODEL = 5007;

async function refusal(response: Response): Promise<Response> {
  const text = await response.text();
  const { code, message } = reasonOf(parse(text)) ?? { code: undefined, message: text };
  const status = code === NO_SUCH_MODEL ? 404 : response.status;
  const error = { message, type: "workers_ai_error", param: null, code: code ?? null };
  const headers = typed(response.headers, "application/json");
  return new Response(JSON.stringify({ error }), { status, headers });
}

/** The code and words of a refusal, in either of the shapes there are. */
function reasonOf(said: unknown): { readonly code: unknown; readonly message: string } | undefined {
  if (!isRecord(said)) return undefined;
  const { internalCode, description, errors } = said;
  if (internalCode !== undefined) return { code: internalCode, message: String(description) };
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (!isRecord(first)) return undefined;
  return { code: first["code"], message: String(first["message"]) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
