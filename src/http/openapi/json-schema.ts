import { z } from "zod";

export type JsonSchema = { readonly [keyword: string]: unknown };

/** The JSON Schema of what a parser takes, as callers write it. */
export function takenSchema(schema: z.ZodType): JsonSchema {
  return bare(z.toJSONSchema(schema, { io: "input", unrepresentable: "any", override }));
}

/** The JSON Schema of an answer. */
export function givenSchema(schema: z.ZodType): JsonSchema {
  return bare(z.toJSONSchema(schema, { override }));
}

/** OpenAPI 3.1 names the dialect of all its schemas itself. */
function bare({ $schema: _dialect, ...schema }: JsonSchema): JsonSchema {
  return schema;
}

type Overridden = {
  readonly zodSchema: z.core.$ZodTypes;
  jsonSchema: z.core.JSONSchema.BaseSchema;
};

function override({ zodSchema, jsonSchema }: Overridden): void {
  const { minimum, maximum } = jsonSchema;
  if (maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  // No format that JSON Schema knows; the pattern beside it says the same.
  if (jsonSchema.format === "starts_with") delete jsonSchema.format;
  const { def } = zodSchema._zod;
  if (def.type !== "pipe" || def.in._zod.def.type !== "transform") return;
  if (jsonSchema.type === "array") orString(jsonSchema);
  else jsonSchema.oneOf?.forEach(untyped);
}

/** Lists that are read before they are parsed may be strings, which stand for one text. */
function orString(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const list = { ...jsonSchema };
  for (const name of Object.keys(jsonSchema)) delete jsonSchema[name];
  jsonSchema.anyOf = [{ type: "string" }, list];
}

/** Items that are read before they are parsed may leave out that they are messages. */
function untyped(kind: z.core.JSONSchema.BaseSchema): void {
  const type = kind.properties?.["type"];
  if (typeof type !== "object" || type.const !== "message") return;
  kind.required = kind.required?.filter((name) => name !== "type") ?? [];
}
