import { inputsOf, mostTokens } from "../../src/engines/workers-ai/inputs.ts";
import { asOpenAi } from "../../src/engines/workers-ai/response.ts";

/** The part of the `AI` binding that is used. */
export type WorkersAi = {
  run(
    model: string,
    inputs: Record<string, unknown>,
    options: {
      readonly returnRawResponse: true;
      readonly extraHeaders: Record<string, string>;
      readonly signal?: AbortSignal;
    },
  ): Promise<Response>;
};

/** A `fetch` to which `workers-ai://` and a model's name is an engine with OpenAI's API, reached by the binding. */
export function withWorkersAi(fetchNow: typeof fetch, ai: WorkersAi | undefined): typeof fetch {
  return (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return url.startsWith(SCHEME) ? ask(ai, url, init) : fetchNow(input, init);
  };
}

const SCHEME = "workers-ai://";
const NOT_BOUND =
  'Workers AI is not bound to this worker: add [ai] with binding = "AI" to wrangler.toml and deploy again';

async function ask(
  ai: WorkersAi | undefined,
  url: string,
  { body = null, headers, signal }: RequestInit = {},
): Promise<Response> {
  if (ai === undefined) throw new TypeError(NOT_BOUND);
  const end = url.indexOf("/v1/");
  const model = url.slice(SCHEME.length, end < 0 ? undefined : end);
  const inputs = inputsOf(await new Response(body).json());
  const { "content-type": _type, ...extraHeaders } = Object.fromEntries(new Headers(headers));
  const response = await ai.run(model, inputs, {
    returnRawResponse: true,
    extraHeaders,
    ...(signal && { signal }),
  });
  const about = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model,
    mostTokens: mostTokens(inputs),
  };
  return asOpenAi(response, about, { stream: inputs["stream"] === true });
}
