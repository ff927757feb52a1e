import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type AxeCore from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBrowser } from "./chromium.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const COMMAND =
  "--trace test/traces/mooncake --fleet fleets/hbm.json --fleet fleets/split.json --policy phaseway,never-split --seeds 2";

let folder: string;
let file: string;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "phaseway-report-"));
  file = join(folder, "report.html");
  const words = [...COMMAND.split(" "), "--html", file];
  await promisify(execFile)(process.execPath, ["workers/cli/replay.ts", ...words], { cwd: ROOT });
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

describe.each(["light", "dark"] as const)("the page of a replay in the %s", (colorScheme) => {
  it.each([400, 1280])(
    "fits %i pixels, with wide tables scrolling inside themselves",
    async (width) => {
      await onPage({ colorScheme, width }, async (page) => {
        const sizes = await page.evaluate(() => ({
          page: document.documentElement.scrollWidth,
          widest: Math.max(
            ...[...document.querySelectorAll("table")].map((one) => one.scrollWidth),
          ),
        }));
        expect(sizes.page).toBe(width);
        expect(sizes.widest).toBeGreaterThan(400);
      });
    },
  );

  it.each([400, 1280])("has nothing that axe objects to at %i pixels", async (width) => {
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

describe("the page of a replay", () => {
  it("is dark where the reader's system is", async () => {
    const background = (colorScheme: "light" | "dark") =>
      onPage({ colorScheme, width: 400 }, (page) =>
        page.evaluate(() => getComputedStyle(document.body).backgroundColor),
      );
    expect(await background("light")).toBe("rgb(255, 255, 255)");
    expect(await background("dark")).toBe("rgb(18, 22, 27)");
  });

  it("asks nothing of the network and runs no script", async () => {
    await onPage({ colorScheme: "light", width: 1280 }, async (page) => {
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.reload();
      expect(asked).toEqual([pathToFileURL(file).href]);
    });
    expect(await readFile(file, "utf8")).not.toMatch(/<script|https?:/);
  });

  it("says at its foot how to make it again", async () => {
    await onPage({ colorScheme: "light", width: 1280 }, async (page) => {
      expect(await page.textContent("footer code")).toBe(
        `npm run replay -- ${COMMAND} --html ${file}`,
      );
    });
  });
});

async function onPage<T>(
  { colorScheme, width }: { readonly colorScheme: "light" | "dark"; readonly width: number },
  look: (page: Page) => Promise<T>,
): Promise<T> {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
  try {
    await page.goto(pathToFileURL(file).href);
    return await look(page);
  } finally {
    await page.close();
  }
}
