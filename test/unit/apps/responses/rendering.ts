import type { AnswerRenderer } from "../../../../src/apps/app-api.ts";
import { responses } from "../../../../src/apps/responses/api.ts";

/** The renderer of one answer to a request, at a time that stands still. */
export function rendererOf(members: object = {}): AnswerRenderer {
  const body = { model: "small", input: "Where did you run?", ...members };
  const parsed = responses.parse(new TextEncoder().encode(JSON.stringify(body)));
  const facts = {
    requestId: "req_1-2",
    promptTokens: 5,
    startedAt: 1_000_000,
    now: () => 1_002_000,
  };
  const renderer = parsed.ok ? parsed.answer?.(facts) : undefined;
  if (renderer === undefined) throw new Error("the request was refused");
  return renderer;
}

/** The data of one chat chunk. */
export function chunk(delta: object, finish: string | null = null, usage: object | null = null) {
  return JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }], usage });
}
