import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ownFolder } from "../../../workers/llama/kv/own-folder.ts";

it("deletes the folders of engines that were killed, and no other's", async () => {
  const parent = mkdtempSync(join(tmpdir(), "phaseway-folders-"));
  const make = (name: string): string => {
    mkdirSync(join(parent, name));
    writeFileSync(join(parent, name, "state"), "state");
    return join(parent, name);
  };
  const { pid: deadPid } = spawnSync(process.execPath, ["--version"]);
  const killed = make(`phaseway-llama-${deadPid}-abc`);
  const living = [
    make(`phaseway-llama-${process.pid}-abc`),
    make(`other-${deadPid}`),
    make("phaseway-llama-x"),
  ];
  const own = await ownFolder(parent);
  expect(existsSync(killed)).toBe(false);
  expect([own, ...living].every((path) => existsSync(path))).toBe(true);
  rmSync(parent, { recursive: true });
});
