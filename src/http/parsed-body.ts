import type { Context } from "hono";
import type { z } from "zod";
import type { ParsedRequest } from "../apps/app-api.ts";
import { parseBody } from "../apps/parse-body.ts";
import { parseExact } from "../core/exact-json.ts";
import type { ChatRequest } from "../core/chat-request.ts";
import type { Model } from "../core/fleet.ts";
import type { HttpEnv } from "./env.ts";
import { readBody } from "./read-body.ts";
import { refuse } from "./refuse.ts";

/** What the body asks for, of a model that is there; else the refusal. */
export async function parsedBody(
  c: Context<HttpEnv>,
  parse: (bytes: Uint8Array) => ParsedRequest,
): Promise<Extract<ParsedRequest, { ok: true }> | Response> {
  const { fleet } = c.get("mesh");
  const bytes = await wholeBody(c);
  if (bytes instanceof Response) return bytes;
  const parsed = parse(bytes);
  if (!parsed.ok) return c.get("errors").respond(parsed.error, c.get("requestId"));
  const { model } = parsed.request;
  const known = fleet.models.get(fleet.modelNames.get(model) ?? "");
  if (known !== undefined) return misfit(c, parsed.request, known) ?? parsed;
  const names = [...fleet.modelNames.keys()].join(", ");
  const message = `The model \`${model}\` does not exist. This mesh has: ${names}.`;
  return refuse(c, "model_not_found", message, "model");
}

/** A body that is no request for a turn, by its schema; none at all is an empty one. Or the refusal. */
export async function jsonBody<T extends z.ZodType>(
  c: Context<HttpEnv>,
  schema: T,
): Promise<z.infer<T> | Response> {
  const bytes = await wholeBody(c);
  if (bytes instanceof Response) return bytes;
  const parsed = parseBody(bytes.byteLength === 0 ? EMPTY : bytes, schema, parseExact);
  return parsed.ok ? parsed.body : c.get("errors").respond(parsed.error, c.get("requestId"));
}

const EMPTY = new TextEncoder().encode("{}");

async function wholeBody(c: Context<HttpEnv>): Promise<Uint8Array | Response> {
  const { maxBodyBytes } = c.get("mesh");
  const bytes = await readBody(c.req.raw, maxBodyBytes);
  if (bytes === "cut-off") {
    return refuse(c, "invalid_json", "The body ended before it was complete.");
  }
  if (bytes === "too-large") {
    return refuse(c, "body_too_large", `The body is over ${maxBodyBytes} bytes.`);
  }
  return bytes;
}

/** The refusal of a request that its model is not made for. */
function misfit(
  c: Context<HttpEnv>,
  { model, embeds = false }: ChatRequest,
  { kind = "chat" }: Model,
): Response | undefined {
  if (embeds === (kind === "embedding")) return undefined;
  const wanted = embeds ? "embedding" : "chat";
  const { models } = c.get("mesh").fleet;
  const others = [...models.values()].filter((other) => (other.kind ?? "chat") === wanted);
  const does = embeds
    ? "writes text and makes no embeddings"
    : "makes embeddings and writes no text";
  const has = others.length === 0 ? "none that does" : others.map(({ id }) => id).join(", ");
  const message = `The model \`${model}\` ${does}. For this, the mesh has: ${has}.`;
  return refuse(c, "invalid_request", message, "model");
}
