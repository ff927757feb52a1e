import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, it } from "vitest";
import { parseChat } from "../../src/apps/chat/parse.ts";
import { parseMessages } from "../../src/apps/messages/parse.ts";
import { parseResponses } from "../../src/apps/responses/parse.ts";
import { openapiDocument } from "../../src/http/openapi/document.ts";
import { useMesh } from "../support/local-mesh.ts";

const started = useMesh();
const ajv = new Ajv2020({ strictTypes: false, strictRequired: false });
// Where references of answers lead.
ajv.addVocabulary(["components"]);
const { paths } = openapiDocument();

/** What is wrong with a body by the document's schema of it. */
function faults(path: string, body: unknown): unknown {
  const schema = paths[path]?.["post"]?.requestBody?.content["application/json"].schema;
  if (schema === undefined) throw new Error(`${path} takes no body`);
  return ajv.validate(schema, body) ? undefined : ajv.errors;
}

describe("the OpenAPI document of a running mesh", () => {
  it("is valid OpenAPI 3.1 whose references all lead somewhere", async () => {
    const document: unknown = await (await fetch(`${url()}/openapi.json`)).json();
    const validator = new Validator();
    const found = await validator.validate(document as Specification);
    expect(found).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
    expect(validator.resolveRefs()).toHaveProperty("openapi", "3.1.0");
  });

  it("has schemas that are schemas", () => {
    const schemas = JSON.stringify(paths);
    expect(schemas).not.toContain("$schema");
    for (const methods of Object.values(paths)) {
      for (const { requestBody } of Object.values(methods)) {
        const schema = requestBody?.content["application/json"].schema;
        if (schema !== undefined) expect(ajv.validateSchema(schema)).toBe(true);
      }
    }
  });
});

const user = { role: "user", content: "Hello" };
const image = { type: "image", source: { type: "url", url: "https://a.test/b.png" } };
const call = { type: "function_call", call_id: "c", name: "weather", arguments: "{}" };

const parsers = {
  "/v1/chat/completions": parseChat,
  "/v1/messages": parseMessages,
  "/v1/responses": parseResponses,
};

describe.each([
  ["/v1/chat/completions", { model: "m", messages: [user] }],
  ["/v1/chat/completions", { model: "m", messages: [user], top_k: 4, stream: null }],
  ["/v1/messages", { model: "m", max_tokens: 1, messages: [user], system: "Be brief." }],
  ["/v1/messages", { model: "m", max_tokens: 1, messages: [{ role: "user", content: [image] }] }],
  ["/v1/responses", { model: "m", input: "Hello" }],
  ["/v1/responses", { model: "m", input: [user, call] }],
] as const)("a body for %s such as %j", (path, body) => {
  it("is parsed, and is as the document says", () => {
    expect(parsers[path](new TextEncoder().encode(JSON.stringify(body)))).toMatchObject({
      ok: true,
    });
    expect(faults(path, body)).toBeUndefined();
  });
});

describe.each([
  ["/v1/chat/completions", { model: "m", messages: [] }],
  ["/v1/chat/completions", { model: "m", messages: [user], max_tokens: "many" }],
  ["/v1/messages", { model: "m", messages: [user] }],
  ["/v1/messages", { model: "m", max_tokens: 1, messages: [user], container: "box" }],
  ["/v1/messages", { model: "m", max_tokens: 1, messages: [{ role: "user", content: 3 }] }],
  ["/v1/responses", { input: "Hello" }],
  ["/v1/responses", { model: "m", input: [{ type: "unheard" }] }],
] as const)("a body for %s such as %j", (path, body) => {
  it("is refused, and is not as the document says", () => {
    expect(parsers[path](new TextEncoder().encode(JSON.stringify(body)))).toMatchObject({
      ok: false,
    });
    expect(faults(path, body)).toBeDefined();
  });
});

describe("answers of a running mesh", () => {
  let response: Answered;
  let conversation: Answered;

  beforeAll(async () => {
    response = await ask("POST /v1/responses", { model: "small", input: "Hello" });
    conversation = await ask("POST /v1/conversations", { items: [user] });
  });

  it("of turns are as the document says, headers included", async () => {
    const chat = await ask("POST /v1/chat/completions", { model: "small", messages: [user] });
    await ask("POST /v1/messages", { model: "small", max_tokens: 8, messages: [user] });
    const receipt = { id: chat.headers.get("phaseway-receipt") ?? "" };
    const { json } = await ask("GET /v1/receipts/{id}", undefined, receipt);
    const session = { id: String(json["session"]) };
    await ask("GET /v1/sessions/{id}", undefined, session);
    await ask("DELETE /v1/sessions/{id}", undefined, session);
  });

  it("of what is kept are as the document says", async () => {
    const id = String(response.json["id"]);
    await ask("GET /v1/responses/{id}", undefined, { id });
    await ask("GET /v1/responses/{id}/input_items", undefined, { id });
    await ask("DELETE /v1/responses/{id}", undefined, { id });
    const own = String(conversation.json["id"]);
    await ask("GET /v1/conversations/{id}", undefined, { id: own });
    const items = await ask("GET /v1/conversations/{id}/items", undefined, { id: own });
    const [first] = items.json["data"] as { id: string }[];
    const place = { id: own, item: first?.id ?? "" };
    await ask("GET /v1/conversations/{id}/items/{item}", undefined, place);
    await ask("DELETE /v1/conversations/{id}/items/{item}", undefined, place);
    await ask("POST /v1/conversations/{id}/items", { items: [user] }, { id: own });
    await ask("POST /v1/conversations/{id}", { metadata: { a: "b" } }, { id: own });
    await ask("DELETE /v1/conversations/{id}", undefined, { id: own });
  });

  it("of the mesh, and of counts, are as the document says", async () => {
    await ask("GET /healthz");
    await ask("GET /openapi.json");
    await ask("GET /v1/models");
    await ask("GET /v1/models/{id}", undefined, { id: "small" });
    await ask("POST /v1/messages/count_tokens", { model: "small", messages: [user] });
    await ask("POST /v1/responses/input_tokens", { model: "small", input: "Hello" });
  });

  it.each([
    ["POST /v1/chat/completions", { model: "gone", messages: [user] }, 404],
    ["POST /v1/messages", { model: "small", messages: [user] }, 400],
    ["POST /v1/responses/{id}/cancel", {}, 404],
    ["POST /v1/responses/compact", {}, 404],
    ["GET /v1/receipts/{id}", undefined, 404],
    ["GET /v1/responses", undefined, 405],
  ] as const)("that refuse are as the document says: %s", async (route, body, status) => {
    expect((await ask(route, body, { id: "none" })).status).toBe(status);
  });
});

type Specification = Parameters<Validator["validate"]>[0];

type Answered = {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown>;
};

function url(): string {
  return started.mesh.edges[0]?.url ?? "";
}

/** Asks, and throws where the status, the headers or the body of the answer are not in the document. */
async function ask(route: string, body?: object, place: Record<string, string> = {}) {
  const [method = "", path = ""] = route.split(" ");
  const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) => place[name] ?? "");
  const answer = await fetch(`${url()}${filled}`, {
    method,
    headers: { authorization: `Bearer ${started.mesh.key}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (await answer.json()) as Record<string, unknown>;
  const document = openapiDocument();
  const described = document.paths[path]?.[method.toLowerCase()]?.responses[answer.status];
  if (described === undefined)
    throw new Error(`${route} answered ${answer.status}: ${JSON.stringify(json)}`);
  const missing = Object.keys(described.headers).filter((name) => !answer.headers.has(name));
  // The session of a first turn is told by its answer.
  expect(missing.filter((name) => name !== "phaseway-session")).toEqual([]);
  const schema = described.content["application/json"]?.schema;
  const whole = { ...schema, components: document.components };
  expect(ajv.validate(whole, json) ? [] : ajv.errors, route).toEqual([]);
  return { status: answer.status, headers: answer.headers, json } satisfies Answered;
}
