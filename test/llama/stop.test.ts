import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeTinyGguf } from "./tiny-gguf.ts";

const main = new URL("../../workers/llama/main.ts", import.meta.url).pathname;

it("ends when it is told to, in the middle of an answer, with exit status 0", async () => {
  const folder = mkdtempSync(join(tmpdir(), "phaseway-stop-"));
  const model = join(folder, "tiny.gguf");
  writeTinyGguf(model);
  const child = spawn(process.execPath, [main, "--model", model, "--port", "0", "--threads", "1"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  const url = /http:\S+/.exec(said.toString())?.[0];
  const response = await fetch(`${url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify({ prompt: "go on", max_tokens: 8000, stream: true }),
  });
  const reader = response.body?.getReader();
  await reader?.read();
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
  rmSync(folder, { recursive: true });
});

it("says in a line what is wrong with what it was started with", async () => {
  const child = spawn(process.execPath, [main, "--model", "none.gguf"]);
  const [[said], [code]] = await Promise.all([once(child.stderr, "data"), once(child, "exit")]);
  expect([String(said), code]).toEqual(["none.gguf cannot be read\n", 1]);
});
