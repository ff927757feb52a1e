// Installs what a folder's lock file names when that is newer than what is installed there. Plain Node 20, no packages.
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = resolve(process.argv[2] ?? ".");
const installed = join(folder, "node_modules", ".package-lock.json");
const wanted = ["package-lock.json", "package.json"]
  .map((name) => join(folder, name))
  .filter((file) => existsSync(file));

if (wanted.length === 0) {
  console.error(`${folder} has no package.json`);
  process.exit(1);
}
if (!isFresh()) await install();

function isFresh() {
  if (!existsSync(installed)) return false;
  const { mtimeMs } = statSync(installed);
  return wanted.every((file) => statSync(file).mtimeMs <= mtimeMs);
}

async function install() {
  // Imported here: it would be a quarter of the time of a run that has nothing to do.
  const { spawnSync } = await import("node:child_process");
  console.log(`Installing packages in ${folder} …`);
  // `npm ci` would refuse a lock file that also names other platforms' builds of workerd.
  const windows = process.platform === "win32";
  const run = spawnSync(
    windows ? "npm.cmd" : "npm",
    ["install", "--no-audit", "--no-fund", "--loglevel=error", ...forThisPlatform()],
    { cwd: folder, stdio: "inherit", shell: windows },
  );
  if (run.error) console.error(run.error.message);
  if (run.status !== 0) process.exit(run.status ?? 1);
  // npm leaves the time alone when nothing changed, and may write the lock file after it: say that this is done.
  const now = new Date();
  if (existsSync(installed)) utimesSync(installed, now, now);
}

/** The one package that a folder's `platforms` names for this machine, where its `.npmrc` leaves out all optional ones. */
function forThisPlatform() {
  const file = join(folder, "package.json");
  const { platforms } = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  const wanted = platforms?.[`${process.platform}-${process.arch}`];
  return wanted === undefined ? [] : ["--no-save", wanted];
}
