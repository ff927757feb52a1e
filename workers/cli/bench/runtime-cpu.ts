import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** How to read the CPU time of the one workerd that this process started, ms: user and system, all threads. */
export function runtimeCpu(): () => number {
  const rows = ps("-A", "-o", "pid=,ppid=,comm=").split("\n");
  const pids = rows.flatMap((row) => {
    const [pid = "", ppid = "", comm = ""] = row.trim().split(/\s+/);
    return Number(ppid) === process.pid && comm.includes("workerd") ? [pid] : [];
  });
  const pid = pids.at(-1);
  if (pid === undefined) throw new Error("no workerd runs below this process");
  return () => scheduledMs(pid) ?? reportedMs(pid);
}

/** Linux tells nanoseconds, thread by thread. */
function scheduledMs(pid: string): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanos = threads.map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
    );
    return nanos.reduce((sum, each) => sum + each, 0) / 1e6;
  } catch {
    return undefined;
  }
}

/** `[[dd-]hh:]mm:ss[.cc]`, as elsewhere. */
function reportedMs(pid: string): number {
  const [days = "0", clock = ""] = `0-${ps("-o", "time=", "-p", pid).trim()}`.split("-").slice(-2);
  const seconds = clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1000;
}

function ps(...args: string[]): string {
  return execFileSync("ps", args, { encoding: "utf8" });
}
