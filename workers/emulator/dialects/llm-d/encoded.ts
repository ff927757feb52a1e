import { isRecord } from "../../../../src/sim/tokens.ts";
import type { EngineRequest, EngineSide } from "../dialect.ts";
import { askElsewhere } from "./ask-elsewhere.ts";

/** Has each piece of media encoded, the nth by the nth encoder in turn. The answer where that failed: nothing goes on. */
export async function encoded(
  encoders: readonly (string | undefined)[],
  request: EngineRequest,
  side: EngineSide,
): Promise<Response | undefined> {
  if (encoders.length === 0) return undefined;
  const name = crypto.randomUUID();
  const failures = await Promise.all(
    shownIn(request.body).map(async (item, n) => {
      const engine = encoders[n % encoders.length];
      const requestId = `${name}-enc-${n}`;
      const body = JSON.stringify(primingBody(request.body, item));
      const answered =
        engine === undefined
          ? undefined
          : await askElsewhere({ engine, requestId, body }, request, side);
      const { status, body: told } = answered ?? { status: 502, body: "" };
      const isDone = status >= 200 && status < 300;
      return isDone ? [] : [`encoder request failed for item ${n} with status ${status}: ${told}`];
    }),
  );
  const [message] = failures.flat();
  if (message === undefined) return undefined;
  const error = { object: "error", message, type: "BadGateway", param: null, code: 502 };
  return Response.json(error, { status: 502 });
}

/** The parts that an encoder is sent, in the order of the prompt. */
export function shownIn({ messages }: Readonly<Record<string, unknown>>): unknown[] {
  if (!Array.isArray(messages)) return [];
  return messages
    .flatMap((message: unknown) => (isRecord(message) ? message["content"] : []))
    .filter((part) => isRecord(part) && SHOWN.has(String(part["type"])));
}

const SHOWN = new Set(["image_url", "input_image", "audio_url", "input_audio", "video_url"]);

/** The request with nothing in it but this. */
function primingBody(body: EngineRequest["body"], item: unknown): object {
  const { stream_options: _options, ...rest } = body;
  const messages = [{ role: "user", content: [item] }];
  return { ...rest, messages, max_tokens: 1, stream: false };
}
