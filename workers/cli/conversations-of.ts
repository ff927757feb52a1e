import type { Conversation, TraceOptions } from "../../src/traces/conversation.ts";
import { readTraces } from "../../src/traces/read.ts";
import { traceFiles } from "./trace-files.ts";

/** The first `most` conversations of each path, one path after the other. */
export async function* conversationsOf(
  paths: readonly string[],
  most: number,
  options: TraceOptions,
): AsyncGenerator<Conversation> {
  for (const path of paths) {
    let left = most;
    for await (const conversation of readTraces(traceFiles([path]), options)) {
      yield conversation;
      left -= 1;
      if (left <= 0) break;
    }
  }
}
