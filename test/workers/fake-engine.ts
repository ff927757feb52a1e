/** What one engine was sent. */
export type Sent = {
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  readonly json: Record<string, unknown>;
};

export type Answer = (sent: Sent, signal: AbortSignal | undefined) => Response | Promise<Response>;

/** It does not tell how it is. */
const ASKS_HOW_IT_IS = /\/(metrics|health|v1\/loads|get_load)$/;

/** Stands for every engine of a mesh: remembers what it was sent and answers as it is told to, else politely. */
export function createFakeEngine(): FakeEngine {
  const sent: Sent[] = [];
  let answer: Answer = politely;
  return {
    sent,
    answers(next) {
      answer = next;
    },
    forget() {
      sent.length = 0;
      answer = politely;
    },
    async fetch(input, init) {
      const request = new Request(input, init);
      if (ASKS_HOW_IT_IS.test(new URL(request.url).pathname)) {
        return new Response(null, { status: 404 });
      }
      const body = new Uint8Array(await request.arrayBuffer());
      const { url, headers } = request;
      const text = request.method === "GET" ? "{}" : new TextDecoder().decode(body);
      const json = JSON.parse(text) as Record<string, unknown>;
      const one: Sent = { url, headers, body, json };
      sent.push(one);
      return answer(one, init?.signal ?? undefined);
    },
  };
}

export type FakeEngine = {
  readonly sent: Sent[];
  answers(answer: Answer): void;
  /** As it was when it was made. */
  forget(): void;
  readonly fetch: typeof fetch;
};

export const USAGE = {
  prompt_tokens: 20,
  completion_tokens: 2,
  total_tokens: 22,
  prompt_tokens_details: { cached_tokens: 0 },
};

const SHARED = { id: "chatcmpl-1", created: 1, model: "m" };

/** Says "hello there", as a stream or whole. */
export function politely({ json }: Pick<Sent, "json">): Response {
  if (json["stream"] === true) return streamOf([...HELLO, usageChunk(USAGE), "[DONE]"]);
  const message = { role: "assistant", content: "hello there", refusal: null };
  return Response.json({
    ...SHARED,
    object: "chat.completion",
    choices: [{ index: 0, message, logprobs: null, finish_reason: "stop" }],
    usage: USAGE,
  });
}

/** The frames of "hello there", without usage and end. */
export const HELLO = [
  chunkOf({ role: "assistant", content: "" }),
  chunkOf({ content: "hello " }),
  chunkOf({ content: "there" }),
  chunkOf({}, "stop"),
];

export function chunkOf(delta: object, finish: string | null = null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
  return JSON.stringify({ ...SHARED, object: "chat.completion.chunk", choices, usage: null });
}

export function usageChunk(usage: object): string {
  return JSON.stringify({ ...SHARED, object: "chat.completion.chunk", choices: [], usage });
}

/** An event stream of these frames' data. */
export function streamOf(frames: readonly string[]): Response {
  return new Response(frames.map((data) => `data: ${data}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
}
