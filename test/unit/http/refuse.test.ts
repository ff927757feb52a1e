import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { errorsAt } from "../../../src/apps/registry.ts";
import type { HttpEnv } from "../../../src/http/env.ts";
import { refuse } from "../../../src/http/refuse.ts";

const app = new Hono<HttpEnv>();
app.use(async (c, next) => {
  c.set("requestId", "req_1");
  c.set("errors", errorsAt(c.req.path, c.req.raw.headers));
  await next();
});
app.get("*", (c) =>
  refuse(c, c.req.query("code") === "full" ? "engine_unavailable" : "not_found", "No."),
);

describe("a refusal", () => {
  it.each([
    ["/v1/responses/1?code=full", 503],
    ["/v1/messages?code=full", 529],
  ])("that asks to come back says when: %s", async (path, status) => {
    const response = await app.request(path);
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe("1");
  });

  it("that is final does not", async () => {
    const response = await app.request("/v1/responses/1");
    expect(response.status).toBe(404);
    expect(response.headers.has("retry-after")).toBe(false);
  });
});
