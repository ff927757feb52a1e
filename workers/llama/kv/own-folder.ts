import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const prefix = "phaseway-llama-";

/** Makes a folder for this process alone, and deletes those of processes that were killed before they could. */
export async function ownFolder(parent: string = tmpdir()): Promise<string> {
  const names = await readdir(parent);
  const left = names.filter((name) => name.startsWith(prefix) && !runs(pidOf(name)));
  await Promise.all(left.map((name) => rm(join(parent, name), { recursive: true, force: true })));
  return mkdtemp(join(parent, `${prefix}${process.pid}-`));
}

function pidOf(name: string): number {
  return Number.parseInt(name.slice(prefix.length), 10);
}

/** A process that we may not signal runs all the same; a name without a process is not ours to delete. */
function runs(pid: number): boolean {
  try {
    return Number.isNaN(pid) || process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
