import { Hono } from "hono";
import type { HttpEnv } from "../env.ts";
import { openapiDocument } from "./document.ts";
import { docsPage } from "./page.ts";

/** `GET /openapi.json` and `GET /docs`, for everybody: both say the same. */
export function openapiRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/openapi.json", (c) => {
    document ??= JSON.stringify(openapiDocument());
    return c.body(document, 200, { "content-type": "application/json", ...cached });
  });
  routes.get("/docs", async (c) => {
    page ??= docsPage(openapiDocument());
    const { html, policy } = await page;
    return c.html(html, 200, { "content-security-policy": policy, ...safe, ...cached });
  });
  return routes;
}

// Made when first asked for: most isolates never are.
let document: string | undefined;
let page: ReturnType<typeof docsPage> | undefined;

const cached = { "cache-control": "public, max-age=300" };
const safe = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };
