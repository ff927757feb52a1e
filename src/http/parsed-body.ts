import type { Context } from "hono";
import type { ParsedRequest } from "../apps/app-api.ts";
import type { HttpEnv } from "./env.ts";
import { readBody } from "./read-body.ts";
import { refuse } from "./refuse.ts";

/** What the body asks for, of a model that is there; else the refusal. */
export async function parsedBody(
  c: Context<HttpEnv>,
  parse: (bytes: Uint8Array) => ParsedRequest,
): Promise<Extract<ParsedRequest, { ok: true }> | Response> {
  const { fleet, maxBodyBytes } = c.get("mesh");
  const bytes = await readBody(c.req.raw, maxBodyBytes);
  if (bytes === "cut-off") {
    return refuse(c, "invalid_json", "The body ended before it was complete.");
  }
  if (bytes === "too-large") {
    return refuse(c, "body_too_large", `The body is over ${maxBodyBytes} bytes.`);
  }
  const parsed = parse(bytes);
  if (!parsed.ok) return c.get("errors").respond(parsed.error, c.get("requestId"));
  const { model } = parsed.request;
  if (fleet.modelNames.has(model)) return parsed;
  const known = [...fleet.modelNames.keys()].join(", ");
  const message = `The model \`${model}\` does not exist. This mesh has: ${known}.`;
  return refuse(c, "model_not_found", message, "model");
}
