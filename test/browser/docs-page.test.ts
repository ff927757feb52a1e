import { createRequire } from "node:module";
import type AxeCore from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openapiDocument } from "../../src/http/openapi/document.ts";
import { docsPage } from "../../src/http/openapi/page.ts";
import { openBrowser } from "./chromium.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const URL = "http://mesh.test/docs";

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
});

describe.each(["light", "dark"] as const)("the page of the API in the %s", (colorScheme) => {
  it.each([400, 1440])("fits %i pixels, all opened", async (width) => {
    await onPage({ colorScheme, width }, async (page) => {
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      expect(await page.locator("section > details[open]").count()).toBeGreaterThan(20);
    });
  });

  it.each([400, 1440])("has nothing that axe objects to at %i pixels", async (width) => {
    await onPage({ colorScheme, width }, async (page) => {
      await page.addScriptTag({ path: AXE });
      const violations = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as { readonly axe: typeof AxeCore };
        const found = await axe.run(document, { resultTypes: ["violations"] });
        return found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
      });
      expect(violations).toEqual([]);
    });
  });
});

describe("the page of the API", () => {
  it("is styled under its own policy, and asks nothing of the network", async () => {
    const page = await browser.newPage({ colorScheme: "dark" });
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => complaints.push(message.text()));
    await serve(page);
    await page.goto(URL);
    const style = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.close();
    expect(style).toBe("rgb(18, 22, 27)");
    expect(asked).toEqual([URL]);
    expect(complaints).toEqual([]);
  });
});

/** Answers whatever the page asks for with the page and its policy. */
async function serve(page: Page): Promise<void> {
  const { html, policy } = await docsPage(openapiDocument());
  const headers = { "content-type": "text/html", "content-security-policy": policy };
  await page.route("**/*", (route) => route.fulfill({ headers, body: html }));
}

async function onPage<T>(
  { colorScheme, width }: { readonly colorScheme: "light" | "dark"; readonly width: number },
  look: (page: Page) => Promise<T>,
): Promise<T> {
  // What looks at the page from inside is no part of it.
  const page = await browser.newPage({
    colorScheme,
    viewport: { width, height: 900 },
    bypassCSP: true,
  });
  try {
    await serve(page);
    await page.goto(URL);
    await page.evaluate(() => {
      for (const one of document.querySelectorAll("details")) one.open = true;
    });
    return await look(page);
  } finally {
    await page.close();
  }
}
