import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createApp } from "../../../src/http/app.ts";
import { openapiDocument, operations } from "../../../src/http/openapi/document.ts";

const app = createApp();

/** What the app serves, as the document writes it. Middleware is for all methods. */
function servedRoutes(): string[] {
  const routes = app.routes.filter(({ method }) => method !== "ALL");
  const named = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  return [...new Set(named)].toSorted();
}

describe("the OpenAPI document", () => {
  it("has every route that is served, and no other", () => {
    expect(Object.keys(operations).toSorted()).toEqual(servedRoutes());
  });

  it("is given to everybody, and to browsers of other pages", async () => {
    const answer = await app.request("/openapi.json", {}, { MESH_OF_REQUEST: undefined });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(openapiDocument())));
  });

  it("has the version of the package", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(openapiDocument().info.version).toBe(version);
  });

  it("says that a key is asked for everywhere but where nothing is told of anybody", () => {
    const open = Object.entries(operations).filter(([, { access }]) => access === "open");
    expect(open.map(([route]) => route)).toEqual([
      "GET /healthz",
      "GET /openapi.json",
      "GET /docs",
    ]);
    const { paths, security } = openapiDocument();
    expect(security).toEqual([{ bearer: [] }, { key: [] }]);
    expect(paths["/docs"]?.["get"]).toMatchObject({ security: [] });
  });

  it("names every operation once", () => {
    const ids = Object.values(operations).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("tells of overload with the status that each API has for it, and of when to come back", () => {
    const { paths } = openapiDocument();
    const statuses = (path: string) =>
      Object.entries(paths[path]?.["post"]?.responses ?? {})
        .filter(([, { headers }]) => "retry-after" in headers)
        .map(([status]) => status);
    expect(statuses("/v1/chat/completions")).toEqual(["429", "503"]);
    expect(statuses("/v1/messages")).toEqual(["429", "529"]);
  });
});

describe("the page of the API", () => {
  it("shows every operation, and may load and run nothing", async () => {
    const answer = await app.request("/docs", {}, { MESH_OF_REQUEST: undefined });
    const html = await answer.text();
    expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
    for (const { id } of Object.values(operations)) expect(html).toContain(`<details id="${id}">`);
    expect(html).not.toMatch(/<script|<img|<link|https?:\/\/|url\(/);
    expect(answer.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+=*';/,
    );
  });
});
