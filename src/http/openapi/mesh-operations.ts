import { listSchema } from "../session-list.ts";
import * as answers from "./answers.ts";
import type { Operations } from "./operation.ts";

const told = { group: "Sessions and receipts", access: "key" } as const;

/** The routes that tell of the mesh itself, of its sessions and of what ran where. */
export const meshOperations: Operations = {
  "GET /v1/sessions": {
    ...told,
    id: "listSessions",
    summary: "The tenant's sessions that are still there, the last used first.",
    query: listSchema,
    answer: answers.sessionList,
    errors: ["invalid_request"],
  },
  "POST /v1/sessions/{id}/fork": {
    ...told,
    id: "forkSession",
    summary: "Makes a session that begins where this one is, or one branch of it.",
    isMade: true,
    answer: answers.session,
    errors: ["not_found"],
  },
  "GET /v1/sessions/{id}": {
    ...told,
    id: "getSession",
    summary: "A session by its id, or by the key that the client named it with.",
    answer: answers.session,
    errors: ["not_found"],
  },
  "DELETE /v1/sessions/{id}": {
    ...told,
    id: "deleteSession",
    summary: "Erases a session.",
    answer: answers.deleted("session.deleted"),
    errors: ["not_found"],
  },
  "GET /v1/receipts/{id}": {
    ...told,
    id: "getReceipt",
    summary: "For every token of a turn, where it ran and why; predicted against actual.",
    answer: answers.receipt,
    errors: ["not_found"],
  },
  "GET /v1/models": {
    group: "Mesh",
    access: "key",
    id: "listModels",
    summary: "The models, with what OpenAI's SDKs read and what Anthropic's do.",
    answer: answers.modelList,
    errors: [],
  },
  "GET /v1/models/{id}": {
    group: "Mesh",
    access: "key",
    id: "getModel",
    summary: "A model by its id or an alias.",
    answer: answers.model,
    errors: ["model_not_found"],
  },
  "GET /healthz": {
    group: "Mesh",
    access: "open",
    id: "getHealth",
    summary: "Which edge answers, and by which version of the mesh's file.",
    answer: answers.health,
    errors: [],
  },
  "GET /openapi.json": {
    group: "Mesh",
    access: "open",
    id: "getOpenApi",
    summary: "This description, as OpenAPI 3.1.",
    answer: answers.openapi,
    errors: [],
  },
  "GET /docs": {
    group: "Mesh",
    access: "open",
    id: "getDocs",
    summary: "This description as a page.",
    answersWith: "text/html",
    errors: [],
  },
};
