import { escaped, prose } from "./html.ts";
import type { JsonSchema } from "./json-schema.ts";

/** The members of an object's schema as nested lists; nothing for other schemas. */
export function schemaHtml(schema: JsonSchema): string {
  const members = isSchema(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  if (members.length === 0) return "";
  const required = new Set(strings(schema["required"]));
  const items = members.map(([name, of]) => memberHtml(name, asSchema(of), required.has(name)));
  return `<ul class="members">${items.join("")}</ul>`;
}

function memberHtml(name: string, schema: JsonSchema, isRequired: boolean): string {
  const said = typeof schema["description"] === "string" ? ` ${prose(schema["description"])}` : "";
  const must = isRequired ? ' <span class="must">required</span>' : "";
  const head = `<code>${escaped(name)}</code> <span class="type">${escaped(typeOf(schema))}</span>${must}${said}`;
  const inside = kindsIn(schema)
    .map((kind) => kindHtml(kind))
    .join("");
  return inside === ""
    ? `<li>${head}</li>`
    : `<li><details><summary>${head}</summary>${inside}</details></li>`;
}

/** One kind of object that a member may be, named by what tells it from the others. */
function kindHtml(kind: JsonSchema): string {
  const { type, role } = asSchema(kind["properties"]);
  const told = asSchema(asSchema(type)["const"] === undefined ? role : type)["const"];
  const name = typeof told === "string" ? `<span class="kind">${escaped(told)}</span>` : "";
  return `${name}${schemaHtml(kind)}`;
}

/** The objects with members that a schema allows, however deep in lists and alternatives. */
function kindsIn(schema: JsonSchema): JsonSchema[] {
  const own = isSchema(schema["properties"]) && Object.keys(schema["properties"]).length > 0;
  return [...(own ? [schema] : []), ...alternatives(schema).flatMap(kindsIn), ...itemKinds(schema)];
}

function itemKinds({ items }: JsonSchema): JsonSchema[] {
  return isSchema(items) ? kindsIn(items) : [];
}

/** A schema's type in words, such as `string or null`. */
function typeOf(schema: JsonSchema): string {
  if ("const" in schema) return JSON.stringify(schema["const"]);
  const values = schema["enum"];
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(" or ");
  const others = alternatives(schema);
  if (others.length > 0) return [...new Set(others.map(oneOfMany))].join(" or ");
  const types = [schema["type"] ?? []].flat().map(String);
  if (types.length === 0) return "anything";
  if (types[0] === "null") return "not served here";
  if (types[0] === "array") return `list of ${typeOf(asSchema(schema["items"]))}`;
  return types.join(" or ");
}

function oneOfMany(schema: JsonSchema): string {
  return schema["type"] === "null" ? "null" : typeOf(schema);
}

function alternatives({ anyOf, oneOf }: JsonSchema): JsonSchema[] {
  return [anyOf ?? [], oneOf ?? []].flat().filter(isSchema);
}

function asSchema(value: unknown): JsonSchema {
  return isSchema(value) ? value : {};
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
