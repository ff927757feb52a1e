import { createReadStream } from "node:fs";
import type { TraceFile } from "../../../src/traces/conversation.ts";
import type { TraceRequest, TraceSession } from "../../../src/traces/requests/request.ts";

export const AZURE = "azure/AzureLLMInferenceTrace_code_2023.csv";
export const CLAUDE = "claude-code/trace_0012.json";
export const MINISWE = "miniswe/189f0222310bd8eee310f204e91b9c84.jsonl";
export const MOONCAKE = "mooncake/conversation_trace.jsonl";

/** A slice of a real trace kept in `test/traces`. */
export function slice(path: string): TraceFile {
  return {
    path,
    open: () => createReadStream(new URL(path, new URL("../../traces/", import.meta.url))),
  };
}

/** A trace that is only a text. */
export function textFile(path: string, text: string): TraceFile {
  return {
    path,
    async *open() {
      yield text;
    },
  };
}

/** A request of a trace, as small as can be. */
export function tracedRequest(over: Partial<TraceRequest> = {}): TraceRequest {
  return {
    session: "s",
    turn: 0,
    offsetMs: 0,
    thinkMs: 0,
    promptTokens: 100,
    outputTokens: 10,
    blocks: [],
    blockTokens: 16,
    ...over,
  };
}

/** Sessions of one request each that began at these times, ms. */
export function sessionsAt(...startsMs: number[]): TraceSession[] {
  return startsMs.map((startMs, index) => {
    const id = `s${index}`;
    return { id, format: "mooncake", startMs, requests: [tracedRequest({ session: id })] };
  });
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function* given<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
