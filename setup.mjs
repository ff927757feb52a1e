// Installs what a folder's lock file names when that is newer than what is installed there. Plain Node 20, no packages.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = resolve(process.argv[2] ?? ".");
const installed = join(folder, "node_modules", ".package-lock.json");
const wanted = ["package-lock.json", "package.json"]
  .map((name) => join(folder, name))
  .filter(existsSync);

const isFresh =
  existsSync(installed) &&
  wanted.every((file) => statSync(file).mtimeMs <= statSync(installed).mtimeMs);

if (!isFresh) {
  console.log(`Installing packages in ${folder} …`);
  // `npm ci` would refuse a lock file that also names other platforms' builds of workerd.
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const run = spawnSync(npm, ["install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (run.status !== 0) process.exit(run.status ?? 1);
}
