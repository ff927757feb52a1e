import { chatSchema } from "../../apps/chat/parse.ts";
import { completionSchema } from "../../apps/completions/parse.ts";
import { embeddingSchema } from "../../apps/embeddings/parse.ts";
import { countSchema, messagesSchema } from "../../apps/messages/schema.ts";
import { responsesSchema } from "../../apps/responses/schema.ts";
import * as answers from "./answers.ts";
import { BODY_ERRORS, type Operations } from "./operation.ts";

const TURN_ERRORS = [
  ...BODY_ERRORS,
  "invalid_label",
  "context_length_exceeded",
  "no_placement",
  "model_not_found",
  "rate_limit_exceeded",
  "engine_failed",
  "engine_unavailable",
  "timeout",
  "idempotency_in_progress",
  "idempotency_key_reused",
  "idempotency_answer_too_large",
  "idempotency_unavailable",
] as const;

const turn = { group: "Turns", access: "key", isTurn: true } as const;
const count = { group: "Turns", access: "key" } as const;

/** The routes that ask a model, or count what one would be asked. */
export const turnOperations: Operations = {
  "POST /v1/chat/completions": {
    ...turn,
    id: "createChatCompletion",
    summary: "OpenAI's chat completions; what is not listed goes to the engine as it came.",
    body: chatSchema,
    answer: answers.chatCompletion,
    stream: "A chat chunk in each `data:`, then `[DONE]`. Comments keep it alive.",
    errors: TURN_ERRORS,
  },
  "POST /v1/completions": {
    ...turn,
    id: "createCompletion",
    summary: "OpenAI's text completions; what is not listed goes to the engine as it came.",
    body: completionSchema,
    answer: answers.textCompletion,
    stream: "A completion chunk in each `data:`, then `[DONE]`. Comments keep it alive.",
    errors: TURN_ERRORS,
  },
  "POST /v1/embeddings": {
    ...turn,
    id: "createEmbedding",
    summary: "OpenAI's embeddings; what is not listed goes to the engine as it came.",
    body: embeddingSchema,
    answer: answers.embeddingList,
    errors: TURN_ERRORS,
  },
  "POST /v1/messages": {
    ...turn,
    id: "createMessage",
    summary: "Anthropic's Messages, over any engine; what cannot be served is refused by name.",
    body: messagesSchema,
    answer: answers.message,
    stream: "Anthropic's events, from `message_start` to `message_stop`; `error` ends it too.",
    errors: [...TURN_ERRORS, "thread_unsupported_request"],
  },
  "POST /v1/messages/count_tokens": {
    ...count,
    id: "countMessageTokens",
    summary: "An estimate of a message's input tokens: the one that plans are made with.",
    body: countSchema,
    answer: answers.messageTokens,
    errors: [...BODY_ERRORS, "model_not_found"],
  },
  "POST /v1/responses": {
    ...turn,
    id: "createResponse",
    summary: "OpenAI's Responses, over any engine; stored at the edge unless `store` is false.",
    body: responsesSchema,
    answer: answers.response,
    stream: "OpenAI's events with their `sequence_number`, from `response.created` on.",
    errors: [...TURN_ERRORS, "unsupported_parameter", "previous_response_not_found", "not_found"],
  },
  "GET /v1/responses": {
    ...count,
    id: "connectResponses",
    summary: "A WebSocket for responses, one after another.",
    socket: "Each `response.create` is answered by the events of its stream.",
    errors: ["method_not_allowed"],
  },
  "POST /v1/responses/input_tokens": {
    ...count,
    id: "countResponseTokens",
    summary: "An estimate of a response's input tokens: the one that plans are made with.",
    body: responsesSchema,
    answer: answers.inputTokens,
    errors: [
      ...BODY_ERRORS,
      "model_not_found",
      "unsupported_parameter",
      "previous_response_not_found",
      "not_found",
      "engine_unavailable",
    ],
  },
};
