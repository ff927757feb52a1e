import type { DescribedOperation, OpenApiDocument } from "./document.ts";
import { escaped, prose } from "./html.ts";
import type { DescribedAnswer } from "./operation.ts";
import { DOCS_STYLE } from "./page-style.ts";
import { schemaHtml } from "./schema-html.ts";

/** The document as a page without scripts that loads nothing, and the policy that holds it to that. */
export async function docsPage(document: OpenApiDocument): Promise<DocsPage> {
  const bytes = new TextEncoder().encode(DOCS_STYLE);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const style = `'sha256-${btoa(String.fromCharCode(...hash))}'`;
  const policy = `default-src 'none'; style-src ${style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  return { html: pageOf(document), policy };
}

export type DocsPage = { readonly html: string; readonly policy: string };

type Parameter = { readonly name: string; readonly in: string; readonly description?: string };

function pageOf({ info, tags, paths, components }: OpenApiDocument): string {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const sections = tags.map(({ name }) => {
    const own = all.filter(({ operation }) => operation.tags[0] === name);
    return `<section><h2>${escaped(name)}</h2>${own.map((one) => operationHtml(one, components)).join("")}</section>`;
  });
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${info.title} API</title><style>${DOCS_STYLE}</style></head><body><header><h1>${info.title} API</h1><p>${prose(info.summary)}</p><p>Keys go in <code>authorization: Bearer</code> or <code>x-api-key</code>. ${prose(info.description)}</p><p><a href="/openapi.json">openapi.json</a>, for tools</p></header><main>${sections.join("")}</main></body></html>`;
}

function operationHtml(
  { method, path, operation }: { method: string; path: string; operation: DescribedOperation },
  components: OpenApiDocument["components"],
): string {
  const { operationId, summary, requestBody, responses, parameters = [] } = operation;
  const body = requestBody?.content["application/json"].schema;
  const named = parameters.map((one) => resolved(one, components)) as Parameter[];
  const parts = [
    part("Parameters", list(named.map(parameterHtml))),
    part("Body", body === undefined ? "" : schemaHtml(body)),
    part("Answers", list(Object.entries(responses).map(answerHtml))),
  ];
  return `<details id="${operationId}"><summary><span class="method ${method}">${method.toUpperCase()}</span> <code>${escaped(path).replaceAll("/", "/<wbr>")}</code><span class="says">${prose(summary)}</span></summary><div class="inside">${parts.join("")}</div></details>`;
}

/** What a reference to a parameter stands for. */
function resolved(one: object, { parameters }: OpenApiDocument["components"]): object {
  const name = "$ref" in one ? String(one.$ref).split("/").at(-1) : undefined;
  return (name !== undefined && parameters[name]) || one;
}

function part(title: string, html: string): string {
  return html === "" ? "" : `<h3>${title}</h3>${html}`;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "" : `<ul>${items.join("")}</ul>`;
}

function parameterHtml({ name, in: place, description = "" }: Parameter): string {
  return `<li><code>${escaped(name)}</code> <span class="type">${place}</span> ${prose(description)}</li>`;
}

function answerHtml([status, answer]: readonly [string, DescribedAnswer]): string {
  const { description, headers, content } = answer;
  const names = Object.keys(headers).map((name) => `<code>${name}</code>`);
  const types = Object.entries(content).map(([type, { schema }]) => {
    const said = typeof schema["description"] === "string" ? prose(schema["description"]) : "";
    const isShown = IS_ANSWER.test(status) && type === "application/json";
    return `<div><span class="type">${type}</span> ${said}${isShown ? schemaHtml(schema) : ""}</div>`;
  });
  return `<li><b>${status}</b> ${prose(description)}<div class="headers">${names.join(" ")}</div>${IS_ANSWER.test(status) ? types.join("") : ""}</li>`;
}

const IS_ANSWER = /^2/;
