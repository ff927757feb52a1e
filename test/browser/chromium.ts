import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import packed, { inflate } from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

/** A headless browser: the one that is installed, else the one that comes from npm. Without any the test fails. */
export async function openBrowser(): Promise<Browser> {
  const { executablePath, env } = installed() ?? (await unpacked());
  try {
    return await chromium.launch({ executablePath, args: ["--no-sandbox"], env });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Chromium does not run here (${executablePath}); install Chromium or Chrome, or set CHROME_PATH. ${reason}`,
      { cause: error },
    );
  }
}

type Program = { readonly executablePath: string; readonly env: NodeJS.ProcessEnv };

/** The one from npm, with the libraries that a bare machine lacks behind the machine's own. */
async function unpacked(): Promise<Program> {
  const executablePath = await packed.executablePath();
  const bin = new URL("../bin/", import.meta.resolve("@sparticuz/chromium"));
  await inflate(fileURLToPath(new URL("al2023.tar.br", bin)));
  const libraries = [process.env["LD_LIBRARY_PATH"], join(tmpdir(), "al2023", "lib")];
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.filter(Boolean).join(":") };
  return { executablePath, env };
}

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

function installed(): Program | undefined {
  const { env } = process;
  if (env["CHROME_PATH"]) return { executablePath: env["CHROME_PATH"], env };
  for (const name of NAMES) {
    try {
      const path = execFileSync("which", [name], { encoding: "utf8", stdio: "pipe" }).trim();
      return { executablePath: path, env };
    } catch {
      // Not this one.
    }
  }
  return undefined;
}
