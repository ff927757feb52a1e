import { apiError, COME_BACK, type ErrorCode } from "../../apps/errors.ts";
import { errorsAt } from "../../apps/registry.ts";
import { ALL_ANSWERS, headersOf } from "./headers.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { DescribedAnswer, Operation } from "./operation.ts";

/** The refusals of a path as OpenAPI's responses, by status: each says which codes it comes with. */
export function failuresOf(
  path: string,
  { access, errors, isTurn }: Operation,
): Readonly<Record<string, DescribedAnswer>> {
  const shape = errorsAt(path, new Headers());
  const codes = new Set<ErrorCode>([
    ...errors,
    ...(access === "key" ? (["invalid_api_key"] as const) : []),
    "internal_error",
  ]);
  const byStatus = Map.groupBy([...codes], (code) => shape.respond(apiError(code, ""), "").status);
  const own = [ALL_ANSWERS, shape.requestIdHeader ?? []].flat();
  const content = { "application/json": { schema: schemaAt(path) } };
  const known = [...byStatus].map(([status, codes]) => {
    const back = COME_BACK.has(status) ? ["retry-after"] : [];
    const allow = codes.includes("method_not_allowed") ? ["allow"] : [];
    const description = codes.map((code) => `\`${code}\``).join(", ");
    const headers = headersOf([...own, ...back, ...allow]);
    return [String(status), { description, headers, content }] as const;
  });
  const engines = { description: ENGINES, headers: headersOf(own), content };
  return { ...Object.fromEntries(known), ...(isTurn && { "4XX": engines }) };
}

const ENGINES = "What an engine refused, with the status it gave.";

/** Paths that belong to no API have the errors of the caller's. */
function schemaAt(path: string): JsonSchema {
  const callers = [new Headers(), new Headers({ "anthropic-version": "2023-06-01" })];
  const shapes = new Set(callers.map((headers) => errorsAt(path, headers)));
  const schemas = [...shapes].map(({ isEngines }) => ({
    $ref: `#/components/schemas/${isEngines ? "Error" : "AnthropicError"}`,
  }));
  return schemas.length > 1 ? { anyOf: schemas } : { ...schemas[0] };
}

const text = { type: "string" };
const param = { type: ["string", "null"], description: "The member or header that is wrong." };

/** `components.schemas`: errors in the shapes of the two APIs. */
export const errorSchemas = {
  Error: {
    type: "object",
    required: ["error"],
    properties: {
      error: {
        type: "object",
        required: ["message", "type"],
        description: "An engine that refuses in this shape is passed on byte for byte.",
        properties: { message: text, type: text, param, code: { description: "Stable." } },
      },
    },
  },
  AnthropicError: {
    type: "object",
    required: ["type", "error", "request_id"],
    properties: {
      type: { const: "error" },
      error: {
        type: "object",
        required: ["type", "message", "details"],
        properties: {
          type: text,
          message: text,
          details: {
            type: "object",
            required: ["error_code"],
            properties: { error_code: { type: "string", description: "Stable." }, param },
          },
        },
      },
      request_id: text,
    },
  },
};
