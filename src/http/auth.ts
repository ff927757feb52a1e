import { createMiddleware } from "hono/factory";
import type { HttpEnv } from "./env.ts";
import { refuse } from "./refuse.ts";

/** Finds the tenant of the bearer key. Keys are compared by hash, so time tells nothing of them. */
export const authenticate = createMiddleware<HttpEnv>(async (c, next) => {
  const header = c.req.header("authorization") ?? "";
  const key = /^Bearer\s+(\S+)$/i.exec(header)?.[1] ?? c.req.header("x-api-key");
  if (key === undefined) {
    return refuse(
      c,
      "invalid_api_key",
      "No API key was sent. Send it as `Authorization: Bearer <key>` or as `x-api-key: <key>`.",
    );
  }
  const keyHash = await sha256Hex(key);
  const tenant = c.get("mesh").tenantOf(keyHash);
  if (tenant === undefined) {
    return refuse(c, "invalid_api_key", "This API key is not known here.");
  }
  c.set("tenant", tenant);
  c.set("keyHash", keyHash);
  return next();
});

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
