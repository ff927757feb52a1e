import type { AnswerFacts, AnswerRenderer } from "../app-api.ts";
import type { MessagesBody } from "./schema.ts";
import { createMessageStream } from "./stream.ts";
import { wholeMessage } from "./whole.ts";

/** One answer as Messages has it. */
export function messageRenderer(body: MessagesBody, facts: AnswerFacts): AnswerRenderer {
  const { thinking } = body;
  const isThinking = thinking?.type === "enabled" || thinking?.type === "adaptive";
  const asked: Asked = {
    requestId: facts.requestId,
    // `req_…`: whoever has the message finds the request in the logs.
    id: facts.requestId.replace(/^req_/, "msg_"),
    model: body.model,
    promptTokens: facts.promptTokens,
    stopSequences: body.stop_sequences ?? [],
    thinks: isThinking && thinking.display !== "omitted",
  };
  return {
    whole: (completion) => JSON.stringify(wholeMessage(completion, asked)),
    ...createMessageStream(asked),
  };
}

/** What of a request its answer depends on. */
export type Asked = {
  readonly requestId: string;
  readonly id: string;
  readonly model: string;
  /** The mesh's estimate. */
  readonly promptTokens: number;
  readonly stopSequences: readonly string[];
  /** The caller wants to see the engine's reasoning. */
  readonly thinks: boolean;
};
