import type { Conversation, TraceOptions } from "../../src/traces/conversation.ts";
import { readTraces } from "../../src/traces/read.ts";
import { truncated } from "../../src/traces/truncate.ts";
import { traceFiles } from "./trace-files.ts";

/** The first `most` conversations of each path, one path after the other, cut to so many bytes where told. */
export async function* conversationsOf(
  paths: readonly string[],
  most: number,
  options: TraceOptions,
  truncateBytes?: number,
): AsyncGenerator<Conversation> {
  for (const path of paths) {
    let left = most;
    for await (const conversation of readTraces(traceFiles([path]), options)) {
      yield truncateBytes === undefined ? conversation : truncated(conversation, truncateBytes);
      left -= 1;
      if (left <= 0) break;
    }
  }
}
