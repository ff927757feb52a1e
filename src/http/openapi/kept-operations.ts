import {
  conversationChangeSchema,
  conversationSchema,
  newItemsSchema,
} from "../../apps/responses/conversation.ts";
import { pageSchema } from "../page-query.ts";
import * as answers from "./answers.ts";
import { BODY_ERRORS, type Operations } from "./operation.ts";

const kept = { group: "Responses and conversations", access: "key" } as const;
const FOUND_ERRORS = ["not_found", "engine_unavailable"] as const;

/** The routes to what is stored of responses, and to conversations. */
export const keptOperations: Operations = {
  "GET /v1/responses/{id}": {
    ...kept,
    id: "getResponse",
    summary: "A stored response, whole.",
    answer: answers.response,
    errors: [...FOUND_ERRORS, "unsupported_parameter"],
  },
  "DELETE /v1/responses/{id}": {
    ...kept,
    id: "deleteResponse",
    summary: "Forgets a stored response.",
    answer: answers.deleted("response"),
    errors: ["not_found"],
  },
  "GET /v1/responses/{id}/input_items": {
    ...kept,
    id: "listInputItems",
    summary: "What a stored response was asked, without what it went on from.",
    query: pageSchema,
    answer: answers.itemList,
    errors: [...FOUND_ERRORS, "invalid_request"],
  },
  "POST /v1/responses/{id}/cancel": {
    ...kept,
    id: "cancelResponse",
    summary: "Always refused: nothing runs in the background.",
    errors: [...FOUND_ERRORS, "invalid_request"],
  },
  "POST /v1/responses/compact": {
    ...kept,
    id: "compactResponse",
    summary: "Always refused: nothing is compacted here.",
    errors: ["not_found"],
  },
  "POST /v1/conversations": {
    ...kept,
    id: "createConversation",
    summary: "Makes a conversation, for the `conversation` of responses.",
    body: conversationSchema,
    isBodyOptional: true,
    answer: answers.conversation,
    errors: [...BODY_ERRORS, "engine_unavailable"],
  },
  "GET /v1/conversations/{id}": {
    ...kept,
    id: "getConversation",
    summary: "What is noted of a conversation.",
    answer: answers.conversation,
    errors: FOUND_ERRORS,
  },
  "POST /v1/conversations/{id}": {
    ...kept,
    id: "updateConversation",
    summary: "Changes what is noted of a conversation.",
    body: conversationChangeSchema,
    isBodyOptional: true,
    answer: answers.conversation,
    errors: [...BODY_ERRORS, ...FOUND_ERRORS],
  },
  "DELETE /v1/conversations/{id}": {
    ...kept,
    id: "deleteConversation",
    summary: "Ends a conversation.",
    answer: answers.deleted("conversation.deleted"),
    errors: ["not_found"],
  },
  "GET /v1/conversations/{id}/items": {
    ...kept,
    id: "listConversationItems",
    summary: "What was asked and answered in a conversation, and what was added to it.",
    query: pageSchema,
    answer: answers.itemList,
    errors: [...FOUND_ERRORS, "invalid_request"],
  },
  "POST /v1/conversations/{id}/items": {
    ...kept,
    id: "addConversationItems",
    summary: "Adds items to a conversation.",
    body: newItemsSchema,
    answer: answers.itemList,
    errors: [...BODY_ERRORS, ...FOUND_ERRORS],
  },
  "GET /v1/conversations/{id}/items/{item}": {
    ...kept,
    id: "getConversationItem",
    summary: "One item of a conversation.",
    answer: answers.item,
    errors: FOUND_ERRORS,
  },
  "DELETE /v1/conversations/{id}/items/{item}": {
    ...kept,
    id: "deleteConversationItem",
    summary: "Takes an item out of a conversation, and answers with the conversation.",
    answer: answers.conversation,
    errors: FOUND_ERRORS,
  },
};
