import { createReadStream, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TraceFile } from "../../src/traces/conversation.ts";

/** The trace files behind paths; a folder stands for the `.json` and `.jsonl` files, or those named so, in it and below. */
export function traceFiles(paths: readonly string[], named = /\.jsonl?$/): TraceFile[] {
  return paths.flatMap((path) => {
    if (!statSync(path).isDirectory()) return [{ path, open: () => createReadStream(path) }];
    const inside = readdirSync(path)
      .toSorted()
      .filter((name) => named.test(name) || statSync(join(path, name)).isDirectory());
    return traceFiles(
      inside.map((name) => join(path, name)),
      named,
    );
  });
}
