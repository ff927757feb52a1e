import { errorsAt } from "../../apps/registry.ts";
import { errorSchemas, failuresOf } from "./failures.ts";
import {
  ALL_ANSWERS,
  headerComponents,
  headersOf,
  parameterComponents,
  TURN_ANSWERS,
} from "./headers.ts";
import { givenSchema, takenSchema } from "./json-schema.ts";
import { keptOperations } from "./kept-operations.ts";
import { meshOperations } from "./mesh-operations.ts";
import type { DescribedAnswer, Operation, Operations } from "./operation.ts";
import { turnOperations } from "./turn-operations.ts";

/** Everything that is served, in the order in which it is shown. */
export const operations: Operations = { ...turnOperations, ...keptOperations, ...meshOperations };

/** What is served as an OpenAPI 3.1 document, from the schemas that requests are parsed by. */
export function openapiDocument() {
  const paths: Record<string, Record<string, ReturnType<typeof described>>> = {};
  for (const [route, operation] of Object.entries(operations)) {
    const [method = "", path = ""] = route.split(" ");
    paths[path] = { ...paths[path], [method.toLowerCase()]: described(path, operation) };
  }
  const groups = new Set(Object.values(operations).map(({ group }) => group));
  return {
    openapi: "3.1.0",
    info: { title: "Phaseway", version: "0.1.0", summary: SUMMARY, description: DESCRIPTION },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, { key: [] }],
    tags: [...groups].map((name) => ({ name })),
    paths,
    components: {
      schemas: errorSchemas,
      headers: headerComponents,
      parameters: parameterComponents,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        key: { type: "apiKey", in: "header", name: "x-api-key" },
      },
    },
  };
}

export type OpenApiDocument = ReturnType<typeof openapiDocument>;
export type DescribedOperation = ReturnType<typeof described>;

const SUMMARY = "One endpoint that runs each phase of a request where it runs best.";
const DESCRIPTION =
  "Errors under `/v1/messages` have Anthropic's shape, as have those of callers that send `anthropic-version`; all others have OpenAI's. A path that is served to other methods answers 405 with `allow`.";

function described(path: string, operation: Operation) {
  const responses: Readonly<Record<string, DescribedAnswer>> = {
    ...answersOf(path, operation),
    ...failuresOf(path, operation),
  };
  const parameters = parametersOf(path, operation);
  return {
    operationId: operation.id,
    tags: [operation.group],
    summary: operation.summary,
    ...(operation.access === "open" && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(operation.body !== undefined && {
      requestBody: {
        required: operation.isBodyOptional !== true,
        content: { "application/json": { schema: takenSchema(operation.body) } },
      },
    }),
    responses,
  };
}

function parametersOf(path: string, { query, isTurn }: Operation): readonly object[] {
  const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const { properties = {} } = query === undefined ? {} : takenSchema(query);
  const inQuery = Object.entries(properties as object).map(([name, schema]) => ({
    name,
    in: "query",
    schema: schema as object,
  }));
  const inHeaders = isTurn
    ? Object.keys(parameterComponents).map((name) => ({ $ref: `#/components/parameters/${name}` }))
    : [];
  return [...inPath, ...inQuery, ...inHeaders];
}

function answersOf(
  path: string,
  { answer, answersWith, isMade, stream, socket, isTurn }: Operation,
): Readonly<Record<string, DescribedAnswer>> {
  if (socket !== undefined) return { "101": { description: socket, headers: {}, content: {} } };
  if (answer === undefined && answersWith === undefined) return {};
  const { requestIdHeader = [] } = errorsAt(path, new Headers());
  const headers = headersOf([
    ...ALL_ANSWERS,
    ...[requestIdHeader].flat(),
    ...(isTurn ? TURN_ANSWERS : []),
  ]);
  const content = {
    ...(answer !== undefined && { "application/json": { schema: givenSchema(answer) } }),
    ...(answersWith !== undefined && { [answersWith]: { schema: { type: "string" } } }),
    ...(stream !== undefined && {
      "text/event-stream": { schema: { type: "string", description: stream } },
    }),
  };
  return isMade
    ? { "201": { description: "Made", headers, content } }
    : { "200": { description: "OK", headers, content } };
}
